import { cpu } from '@halfgrad/backend-cpu';
import { describeConformance } from '@halfgrad/testing';
import { openGpu } from './index.ts';

describeConformance(await openGpu(), { reference: cpu, lacks: ['float64'], subnormals: 'flushed' });
