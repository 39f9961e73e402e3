import { describeFp64Golden } from '@halfgrad/testing';
import { cpu } from './index.ts';

describeFp64Golden(cpu);
