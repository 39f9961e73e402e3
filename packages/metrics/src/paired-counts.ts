import { TensorError } from '@halfgrad/core';
import { checkSameLength } from './confusion-matrix.ts';

/** How two classifiers fared on the same examples. */
export interface PairedCounts {
  readonly both: number;
  readonly onlyA: number;
  readonly onlyB: number;
  readonly neither: number;
}

/** Whether each example was classified correctly, in the order of the examples. */
export type Outcomes = ArrayLike<boolean>;

/** @throws TensorError `invalid-argument` when the lists differ in length or are empty. */
export function pairedCounts(op: string, correctA: Outcomes, correctB: Outcomes): PairedCounts {
  checkSameLength(op, { 'first list': correctA, 'second list': correctB });
  if (correctA.length === 0) throw new TensorError('invalid-argument', `${op}: there are no examples to compare`);
  let [both, onlyA, onlyB] = [0, 0, 0];
  for (let i = 0; i < correctA.length; i++) {
    if (correctA[i] && correctB[i]) both++;
    else if (correctA[i]) onlyA++;
    else if (correctB[i]) onlyB++;
  }
  return { both, onlyA, onlyB, neither: correctA.length - both - onlyA - onlyB };
}
