import type { Device } from '@halfgrad/core';
import type { Claim } from './compare.ts';

/** One recorded answer, and how to compute it with the library. */
export interface Case {
  readonly name: string;
  /** Computes on a device, and says what the results have to be; throws a `Mismatch` or a `Missing`. */
  run(device: Device): readonly Claim[];
}

/** The cases of one source, held to the tolerance that the source gives. */
export interface Suite {
  /** Its name on the command line and in the tables. */
  readonly name: string;
  /** Who recorded the answers. */
  readonly source: string;
  readonly tolerance: string;
  /** Files and folders of the shared folder that it reads. */
  readonly files: readonly string[];
  cases(): readonly Case[];
}

/** What a case needs and the library does not have: an op, a dtype, an option. `scope.ts` gives the reason, if there is one. */
export class Missing extends Error {
  override readonly name = 'Missing';
  readonly need: string;

  constructor(need: string) {
    super(`needs ${need}`);
    this.need = need;
  }
}
