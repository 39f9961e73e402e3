import type { Device } from '@halfgrad/core';

/** One recorded answer, and how to compute it with the library. */
export interface Case {
  readonly name: string;
  /** Computes on a device that can be read without waiting; throws a `Mismatch` or a `Missing`. */
  run(device: Device): void;
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

/** A result that is not the recorded one. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
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
