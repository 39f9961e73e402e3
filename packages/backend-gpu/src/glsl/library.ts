import { codecs } from './codecs.ts';
import { math } from './math.ts';

/** What every kernel may call; compilers drop what it does not. */
export const library: string = codecs + math;
