import { TensorError } from '@halfgrad/core';
import type { Rounder } from './rounding.ts';

/** In which order the terms of a sum are added: one after the other, by halves, or in blocks whose sums are then added. */
export type ReductionOrder = 'serial' | 'pairwise' | { readonly block: number };

/** Adds `count` terms; every addition is rounded by `round`. */
export type Accumulate = (term: (i: number) => number, count: number, round: Rounder) => number;

const serial: Accumulate = (term, count, round) => {
  let total = 0;
  for (let i = 0; i < count; i++) total = round(total + term(i));
  return total;
};

const pairwise: Accumulate = (term, count, round) => {
  if (count <= 2) return serial(term, count, round);
  const half = Math.ceil(count / 2);
  return round(pairwise(term, half, round) + pairwise((i) => term(half + i), count - half, round));
};

/** @throws TensorError `invalid-argument` for a block that is not a positive integer: its sums would be lost. */
export function createAccumulate(order: ReductionOrder): Accumulate {
  if (order === 'serial') return serial;
  if (order === 'pairwise') return pairwise;
  const { block } = order;
  if (!Number.isInteger(block) || block < 1) {
    throw new TensorError('invalid-argument', `emulate: a block of ${block} terms. Use a positive integer.`);
  }
  return (term, count, round) => {
    const blockSum = (b: number): number =>
      serial((i) => term(b * block + i), Math.min(block, count - b * block), round);
    return serial(blockSum, Math.ceil(count / block), round);
  };
}
