import { describeConformance } from '@halfgrad/testing';
import { wasm } from './index.ts';

describeConformance(wasm);
