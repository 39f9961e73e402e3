import { type DType, sizeOf, type TensorSpec } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';

/** A tensor that does not live on a device yet; float64 stands for whichever floating-point dtype is being tested. */
export interface SampleTensor extends TensorSpec {
  readonly values: readonly number[];
  /** Statistics stay in float32 beside 16-bit inputs. */
  readonly isStatistic?: boolean;
}

/** Where elements come from. */
export type Domain = Arbitrary<number>;

/** Multiples of 2^−11: exact in float32, while the 16-bit formats have to round most of them. */
function grid(low: number, high: number): Domain {
  return fc.integer({ min: low * 2 ** 11, max: high * 2 ** 11 }).map((i) => i * 2 ** -11);
}

export const reals: Domain = grid(-2, 2);
export const positive: Domain = grid(0.5, 2.5);
export const fractions: Domain = grid(0.25, 0.75);
/** Between −1 and 1, but not near. */
export const signedFractions: Domain = grid(-0.75, 0.75);
/** Far enough from a kink or pole at 0 for finite differences. */
export const awayFromZero: Domain = fc.tuple(positive, fc.boolean()).map(([x, negative]) => (negative ? -x : x));
/** So few values that ties are common. */
export const tied: Domain = fc.integer({ min: -2, max: 2 });
/** Two sets that never meet: for ops with a kink where their operands are equal. */
export const evenSixteenths: Domain = fc.integer({ min: -16, max: 16 }).map((i) => i / 8);
export const oddSixteenths: Domain = fc.integer({ min: -16, max: 16 }).map((i) => (i + 0.5) / 8);
/** Divisors of no odd sixteenth. */
export const eighthsButZero: Domain = evenSixteenths.map((x) => (x === 0 ? 0.5 : x));
/** On both sides of −3, 0 and 3, but never there. */
export const unitsBeyond3: Domain = fc.integer({ min: -16, max: 15 }).map((i) => (i + 0.5) / 4);
/** 2^−13 from the nearest value of any domain, in units of 1/2 too: thresholds here are never met. */
export const betweenGridPoints: number = 1 + 2 ** -13;

export function tensorOf(
  shape: readonly number[],
  domain: Domain = reals,
  dtype: DType = 'float64',
): Arbitrary<SampleTensor> {
  const length = sizeOf(shape);
  return fc
    .array(domain, { minLength: length, maxLength: length })
    .map((values): SampleTensor => ({ shape, dtype, values }));
}

/** No two elements are nearer than 1/2: maxima and variances stay away from their kinks and poles. */
export function distinctTensorOf(shape: readonly number[]): Arbitrary<SampleTensor> {
  const order = Array.from({ length: sizeOf(shape) }, (_, i) => i);
  return fc
    .shuffledSubarray(order, { minLength: order.length, maxLength: order.length })
    .map((ranks): SampleTensor => ({ shape, dtype: 'float64', values: ranks.map((i) => (i - order.length / 2) / 2) }));
}

/** Positions in a dimension of `size`, which must not be 0 unless `shape` is empty. */
export function indicesOf(shape: readonly number[], size: number): Arbitrary<SampleTensor> {
  return tensorOf(shape, fc.nat(Math.max(size - 1, 0)), 'int32');
}

export function boolsOf(shape: readonly number[]): Arbitrary<SampleTensor> {
  return tensorOf(shape, fc.nat(1), 'bool');
}

/** An optional input, absent half of the time. */
export function optional<T>(arbitrary: Arbitrary<T>): Arbitrary<T | undefined> {
  return fc.oneof(fc.constant(undefined), arbitrary);
}
