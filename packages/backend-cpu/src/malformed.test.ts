import { describeMalformedCalls } from '@halfgrad/testing';
import { cpu } from './index.ts';

describeMalformedCalls(cpu);
