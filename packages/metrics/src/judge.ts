import { TensorError } from '@halfgrad/core';
import type { Estimate } from './paired-difference.ts';

export type Judgement = 'pass' | 'fail' | 'inconclusive';

/** What is asked of a gain, in its own unit; what lies between the two is undecided whatever the evidence. */
export interface Bar {
  /** A gain of at least this passes. */
  readonly pass: number;
  /** A gain below this fails. */
  readonly fail: number;
}

/**
 * Passes or fails only what the whole interval agrees on, so that noise is called neither a gain nor a loss.
 *
 * Larger differences are better: `pass` when the interval lies at or above `bar.pass`, `fail` when it lies below
 * `bar.fail`, else `inconclusive`.
 */
export function judge({ interval: [lower, upper] }: Estimate, bar: Bar): Judgement {
  checkBar('judge', bar);
  if (lower >= bar.pass) return 'pass';
  return upper < bar.fail ? 'fail' : 'inconclusive';
}

/**
 * About how many examples would settle an inconclusive judgement, should the difference stay what it is.
 *
 * An interval shrinks with the square root of the number of examples. `undefined` if the difference itself lies in the
 * undecided zone, where more examples would not help.
 */
export function examplesNeeded(
  { difference, interval: [lower, upper] }: Estimate,
  examples: number,
  bar: Bar,
): number | undefined {
  checkBar('examplesNeeded', bar);
  if (difference > bar.pass) return Math.ceil(examples * ((difference - lower) / (difference - bar.pass)) ** 2);
  if (difference < bar.fail) return Math.ceil(examples * ((upper - difference) / (bar.fail - difference)) ** 2);
  return undefined;
}

function checkBar(op: string, { pass, fail }: Bar): void {
  if (fail <= pass) return;
  throw new TensorError(
    'invalid-argument',
    `${op}: a gain would both pass and fail (pass: ${pass}, fail: ${fail}). fail must not exceed pass.`,
  );
}
