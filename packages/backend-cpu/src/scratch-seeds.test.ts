import { describeConformance } from '@halfgrad/testing';
import { cpu } from './index.ts';
for (let seed = 2; seed < 42; seed++) describeConformance({...cpu, name: `seed${seed}`}, { seed });
