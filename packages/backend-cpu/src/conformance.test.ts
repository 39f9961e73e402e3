import { describeConformance } from '@halfgrad/testing';
import { cpu } from './index.ts';

describeConformance(cpu);
