import { type DType, type FloatDType, finfo, formats, isFloat } from '@halfgrad/core';

/** Whether two numbers count as the same result. */
export type Agreement = (actual: number, expected: number) => boolean;

/** The same bits, except that every NaN is alike. */
export const identical: Agreement = Object.is;

/** Roundings to `dtype` of numbers that were at most `bound` apart: some units in the last place more. */
export function withinRounding(dtype: DType, bound: number, units = 1): Agreement {
  if (!isFloat(dtype)) return identical;
  return (actual, expected) =>
    Object.is(actual, expected) || Math.abs(actual - expected) <= bound + units * unitInTheLastPlace(expected, dtype);
}

/** The distance from `x` to the next larger magnitude in the format. */
function unitInTheLastPlace(x: number, dtype: DType): number {
  const { smallestNormal, max } = finfo(dtype);
  const { mantissaBits } = formats[dtype as FloatDType];
  const magnitude = Math.min(Math.max(Math.abs(x), smallestNormal), max);
  return 2 ** (Math.floor(Math.log2(magnitude)) - mantissaBits);
}

/**
 * How far two float computations of one op may differ: each of `steps` roundings contributes ε of the largest
 * intermediate value, a product of two of the numbers that went in or came out.
 */
export function roundingBound(dtype: DType, steps: number, ...numbers: readonly ArrayLike<number>[]): number {
  let largest = 1;
  for (const list of numbers) {
    for (let i = 0; i < list.length; i++) {
      const magnitude = Math.abs(list[i] as number);
      if (magnitude > largest && Number.isFinite(magnitude)) largest = magnitude;
    }
  }
  return steps * finfo(dtype).eps * largest ** 2;
}

/** The position of the first element that does not agree. */
export function firstDisagreement(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  agrees: Agreement,
): number | undefined {
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    if (!agrees(actual[i] as number, expected[i] as number)) return i;
  }
  return undefined;
}
