import { Generator, TensorError, uniformOf } from '@halfgrad/core';

/** Any binary floating-point format with one sign bit and an exponent of all ones reserved for infinity and NaN. */
export interface EmulatedFormat {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  /** `false` flushes what is smaller than the smallest normal number to zero, after rounding. */
  readonly subnormals?: boolean;
  /** What becomes of a result beyond the largest number. */
  readonly overflow?: 'infinity' | 'saturate';
}

/** How a result between two neighbours is decided; `stochastic` goes up as often as it is near. */
export type Rounding = 'nearestEven' | 'towardZero' | { readonly stochastic: { readonly seed: number } };

/** Rounds a number to some format. */
export type Rounder = (x: number) => number;

/**
 * The function that rounds to a format.
 *
 *   q = 2^(max(⌊log₂|x|⌋, 2 − 2^(e−1)) − m),  round(x) = q · integer(x / q)
 *
 * `q` is the spacing of the format around `x`, constant among subnormals; dividing by it is exact. Rounding toward zero
 * never reaches infinity (IEEE 754-2019, section 7.4).
 *
 * @throws TensorError `invalid-argument` for a format that is not narrower than float32.
 */
export function createRounder(format: EmulatedFormat, rounding: Rounding = 'nearestEven'): Rounder {
  const { exponentBits: e, mantissaBits: m, subnormals = true, overflow = 'infinity' } = format;
  if (!(Number.isInteger(e) && e >= 2 && e <= 8 && Number.isInteger(m) && m >= 0 && m <= 23)) {
    throw new TensorError(
      'invalid-argument',
      `emulate: ${e} exponent and ${m} mantissa bits do not fit into float32's 8 and 23`,
    );
  }
  const bias = 2 ** (e - 1) - 1;
  const smallestNormal = 2 ** (1 - bias);
  const max = (2 - 2 ** -m) * 2 ** bias;
  const beyond = overflow === 'saturate' || rounding === 'towardZero' ? max : Number.POSITIVE_INFINITY;
  const toInteger = integerRounding(rounding);
  return (x) => {
    if (x === 0 || !Number.isFinite(x)) return x;
    const magnitude = Math.abs(x);
    const quantum = 2 ** (Math.max(exponentOf(magnitude), 1 - bias) - m);
    const rounded = toInteger(magnitude / quantum) * quantum;
    const flushed = !subnormals && rounded < smallestNormal ? 0 : rounded;
    const result = flushed > max ? beyond : flushed;
    return x < 0 ? -result : result;
  };
}

/** Rounds a number that is not negative to an integer. */
function integerRounding(rounding: Rounding): (x: number) => number {
  if (rounding === 'nearestEven') return roundHalfToEven;
  if (rounding === 'towardZero') return Math.floor;
  const generator = new Generator(rounding.stochastic.seed);
  return (x) => Math.floor(x + uniformOf(generator.words(1)[0] as number));
}

function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);

/** ⌊log₂ x⌋ of a positive double, from its exponent field; no emulated format reaches the subnormal doubles. */
function exponentOf(x: number): number {
  double[0] = x;
  return ((words[1] as number) >>> 20) - 1023;
}
