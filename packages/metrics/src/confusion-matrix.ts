import { TensorError } from '@halfgrad/core';

/** Counts of examples: one row per true class, one column per predicted class (scikit-learn's orientation). */
export type ConfusionMatrix = readonly (readonly number[])[];

/**
 * Counts how often each class was predicted for each true class.
 *
 * @throws TensorError `invalid-argument` when the lists differ in length or hold something else than 0 … classes − 1.
 */
export function confusionMatrix(
  predictions: ArrayLike<number>,
  targets: ArrayLike<number>,
  classes: number,
): ConfusionMatrix {
  checkSameLength('confusionMatrix', { predictions, targets });
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < targets.length; i++) {
    const row = counts[checkedClass('targets', targets, i, classes)] as number[];
    row[checkedClass('predictions', predictions, i, classes)]! += 1;
  }
  return counts;
}

/** The share of examples on the diagonal; 0 without examples. */
export function accuracy(matrix: ConfusionMatrix): number {
  const correct = matrix.reduce((sum, row, i) => sum + (row[i] as number), 0);
  const all = matrix.reduce((sum, row) => sum + row.reduce((a, b) => a + b, 0), 0);
  return all === 0 ? 0 : correct / all;
}

/** Which predictions are right: what the paired comparisons compare. */
export function correctness(predictions: ArrayLike<number>, targets: ArrayLike<number>): readonly boolean[] {
  checkSameLength('correctness', { predictions, targets });
  return Array.from(targets, (target, i) => predictions[i] === target);
}

/** @throws TensorError `invalid-argument` when two lists that belong together differ in length. */
export function checkSameLength(op: string, lists: Readonly<Record<string, ArrayLike<unknown>>>): void {
  const lengths = Object.values(lists).map(({ length }) => length);
  if (new Set(lengths).size === 1) return;
  const shown = Object.entries(lists).map(([name, { length }]) => `${name}: ${length}`);
  throw new TensorError('invalid-argument', `${op}: the lists differ in length (${shown.join(', ')})`);
}

function checkedClass(name: string, list: ArrayLike<number>, index: number, classes: number): number {
  const value = list[index] as number;
  if (!Number.isInteger(value) || value < 0 || value >= classes) {
    throw new TensorError(
      'invalid-argument',
      `confusionMatrix: ${name}[${index}] is ${value}, but a class is an integer from 0 to ${classes - 1}`,
    );
  }
  return value;
}
