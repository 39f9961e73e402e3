import { cpu } from '@halfgrad/backend-cpu';
import { describeConformance, describeDevice } from '@halfgrad/testing';
import { openGpu } from './index.ts';

/** A software GPU takes 10 to 20 ms to compile a kernel, and there is one for every combination of dtypes and layouts. */
const effort = typeof document === 'undefined' ? 0.3 : 0.1;

await describeDevice('the suite for devices', openGpu, (gpu) => {
  describeConformance(gpu, {
    reference: cpu,
    lacks: ['float64', 'float8_e4m3fn', 'float8_e5m2'],
    subnormals: 'flushed',
    effort,
  });
});
