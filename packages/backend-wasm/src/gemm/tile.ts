/** How much of the product one call of the micro-kernel computes, and with which instructions. */
export interface Tile {
  /** Rows of A and C. */
  readonly rows: number;
  /** Columns of B and C: four per vector. */
  readonly columns: number;
  /** Steps of the inner dimension per iteration; panels are padded to a multiple of it. */
  readonly unroll: number;
  readonly madd: 'relaxed' | 'separate';
}

/**
 * The tile for this engine. Twelve vectors of sums, two of B and one of A fill the sixteen registers of x86; engines without
 * relaxed SIMD have older compilers too, which spill more than eight sums.
 */
export function tileFor({ hasRelaxedSimd }: { readonly hasRelaxedSimd: boolean }): Tile {
  return hasRelaxedSimd
    ? { rows: 6, columns: 8, unroll: 4, madd: 'relaxed' }
    : { rows: 4, columns: 8, unroll: 1, madd: 'separate' };
}

/** Rows of A, and steps of the inner dimension, that are packed at a time: together they stay in the second-level cache. */
export const blockRows = 240;
export const blockDepth = 256;
