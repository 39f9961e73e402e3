import { cpu } from '@halfgrad/backend-cpu';
import { describeConformance, describeDevice } from '@halfgrad/testing';
import { openGpu } from './index.ts';

await describeDevice('the suite for devices', openGpu, (gpu) => {
  describeConformance(gpu, { reference: cpu, lacks: ['float64'], subnormals: 'flushed' });
});
