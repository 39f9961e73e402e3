import { clone, type DType, decodeValues, encodeNumbers, type Tensor } from '@halfgrad/core';

/** A result that is not the recorded one. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

/** Whether two numbers count as the same result, at a position where that matters. */
export type Agreement = (actual: number, expected: number, at: number) => boolean;

/** What was recorded, row-major. */
export interface Recorded {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
  /** Left out where the source computes in another precision than the device. */
  readonly dtype?: DType | undefined;
}

/** The same number, −0 and 0 apart; every NaN is alike. */
export const exactly: Agreement = Object.is;

/** |a − e| ≤ absolute + relative · |e|; what is not finite has to be the same. */
export function within({ relative, absolute }: { relative: number; absolute: number }): Agreement {
  return (actual, expected) =>
    actual === expected ||
    (Number.isNaN(actual) && Number.isNaN(expected)) ||
    (Number.isFinite(expected) && Math.abs(actual - expected) <= absolute + relative * Math.abs(expected));
}

/** |a − e| ≤ tolerance · max(1, |e|): relative, and absolute for numbers below 1. */
export function near(tolerance: number): Agreement {
  return (actual, expected, at) =>
    within({ relative: 0, absolute: tolerance * Math.max(1, Math.abs(expected)) })(actual, expected, at);
}

/** At most `distance` numbers of the format apart; −0 is 0. */
export function withinUlps(distance: number, dtype: 'float16' | 'bfloat16' | 'float32'): Agreement {
  return (actual, expected) =>
    actual === expected ||
    (Number.isNaN(actual) && Number.isNaN(expected)) ||
    Math.abs(ordinal(actual, dtype) - ordinal(expected, dtype)) <= distance;
}

/** The position of a number among all of its format, in order. */
function ordinal(x: number, dtype: 'float16' | 'bfloat16' | 'float32'): number {
  const [stored = 0] = dtype === 'float32' ? new Uint32Array(Float32Array.of(x).buffer) : encodeNumbers([x], dtype);
  const sign = dtype === 'float32' ? 0x8000_0000 : 0x8000;
  return stored < sign ? stored : sign - stored;
}

/** Recorded numbers as their dtype holds them: files print as many digits as it takes to tell them apart. */
export function recordedAs(dtype: DType, shape: readonly number[], numbers: ArrayLike<number>): Recorded {
  return { dtype, shape, values: decodeValues(encodeNumbers(numbers, dtype), dtype) };
}

/** A tensor, and what its elements have to be. Whoever runs the case reads it, in the way that its device allows. */
export interface Claim {
  readonly actual: Tensor;
  /** @throws Mismatch */
  check(values: ArrayLike<number>): void;
}

/** @throws Mismatch unless the tensor, which `what` names, has the recorded dtype and shape. */
export function claim(what: string, actual: Tensor, expected: Recorded, agrees: Agreement): Claim {
  const [found, wanted] = [showType(actual), showType({ ...expected, dtype: expected.dtype ?? actual.dtype })];
  if (found !== wanted) throw new Mismatch(`${what}: ${found}, recorded ${wanted}`);
  return { actual: actual.detach(), check: (values) => expectNumbers(what, values, expected, agrees) };
}

/** The same of a tensor as it is now, before it is written to again. */
export function claimNow(what: string, actual: Tensor, values: readonly number[], agrees: Agreement): Claim {
  return claim(what, clone(actual.detach()), { shape: actual.shape, values }, agrees);
}

/** @throws Mismatch unless numbers are those recorded. */
export function expectNumbers(
  what: string,
  actual: ArrayLike<number>,
  { values, shape }: { readonly values: ArrayLike<number>; readonly shape?: readonly number[] },
  agrees: Agreement,
): void {
  if (actual.length !== values.length)
    throw new Mismatch(`${what}: ${actual.length} numbers, recorded ${values.length}`);
  let [first, wrong] = [-1, 0];
  for (let i = 0; i < values.length; i++) {
    if (agrees(actual[i] as number, values[i] as number, i)) continue;
    if (wrong === 0) first = i;
    wrong++;
  }
  if (wrong === 0) return;
  const place = values.length > 1 ? ` at [${indexAt(shape ?? [values.length], first)}]` : '';
  const others = wrong > 1 ? `, and ${wrong - 1} more of ${values.length}` : '';
  throw new Mismatch(`${what}${place}: ${show(actual[first])}, recorded ${show(values[first])}${others}`);
}

/** @throws Mismatch unless both have the same JSON. */
export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Mismatch(`${what}: ${found}, recorded ${wanted}`);
}

function showType({ dtype, shape }: { readonly dtype: DType; readonly shape: readonly number[] }): string {
  return `${dtype}[${shape.join(',')}]`;
}

function show(x: number | undefined): string {
  return Object.is(x, -0) ? '-0' : String(x);
}

function indexAt(shape: readonly number[], position: number): string {
  const index: number[] = [];
  let rest = position;
  for (const size of shape.toReversed()) {
    index.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return index.join(',');
}
