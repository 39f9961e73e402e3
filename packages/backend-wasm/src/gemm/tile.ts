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
 * The tile for this engine: as many sums as its registers hold. Engines with relaxed SIMD keep twelve vectors of sums, four
 * of operands and nothing else; the older ones spill above eight.
 */
export function tileFor({ hasRelaxedSimd }: { readonly hasRelaxedSimd: boolean }): Tile {
  return hasRelaxedSimd
    ? { rows: 6, columns: 8, unroll: 4, madd: 'relaxed' }
    : { rows: 4, columns: 8, unroll: 1, madd: 'separate' };
}

/** Rows of A, and steps of the inner dimension, that are packed at a time: together they stay in the second-level cache. */
export const blockRows = 240;
export const blockDepth = 256;
