import type { DType, Float8DType } from './dtype.ts';
import { TensorError } from './errors.ts';

/** A binary floating-point format: one sign bit, `exponentBits`, `mantissaBits` stored (AMP.md D1). */
export interface FloatFormat {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  /** `'none'` where the largest exponent has numbers too, and only the pattern of all ones is NaN. */
  readonly infinities?: 'none';
}

export type FloatDType = Float8DType | 'float16' | 'bfloat16' | 'float32' | 'float64';

export const formats: { readonly [D in FloatDType]: FloatFormat } = {
  float8_e4m3fn: { exponentBits: 4, mantissaBits: 3, infinities: 'none' },
  float8_e5m2: { exponentBits: 5, mantissaBits: 2 },
  float16: { exponentBits: 5, mantissaBits: 10 },
  bfloat16: { exponentBits: 8, mantissaBits: 7 },
  float32: { exponentBits: 8, mantissaBits: 23 },
  float64: { exponentBits: 11, mantissaBits: 52 },
};

/** The limits of a floating-point dtype, under `torch.finfo`'s names. */
export interface Finfo {
  readonly dtype: FloatDType;
  readonly bits: number;
  /** The distance from 1 to the next larger number: 2^−mantissaBits. */
  readonly eps: number;
  readonly max: number;
  readonly min: number;
  readonly smallestNormal: number;
  readonly smallestSubnormal: number;
  /** 10^−⌊decimal digits that always survive⌋. */
  readonly resolution: number;
}

/**
 * The limits of a floating-point dtype (`torch.finfo`).
 *
 *   bias = 2^(e−1) − 1,  max = (2 − 2^−m) · 2^bias,  smallest normal = 2^(1−bias),  smallest subnormal = 2^(1−bias−m)
 *
 * Without infinities max is (2 − 2 · 2^−m) · 2^(bias+1): one exponent more, less the pattern that is NaN.
 *
 * @throws TensorError `invalid-argument` for a dtype that is not floating point.
 */
export function finfo(dtype: DType): Finfo {
  if (!Object.hasOwn(formats, dtype)) {
    throw new TensorError('invalid-argument', `finfo: ${dtype} is not a floating-point dtype`);
  }
  const name = dtype as FloatDType;
  const { exponentBits: e, mantissaBits: m, infinities }: FloatFormat = formats[name];
  const bias = 2 ** (e - 1) - 1;
  const max = infinities === 'none' ? (2 - 2 * 2 ** -m) * 2 ** (bias + 1) : (2 - 2 ** -m) * 2 ** bias;
  return {
    dtype: name,
    bits: 1 + e + m,
    eps: 2 ** -m,
    max,
    min: -max,
    smallestNormal: 2 ** (1 - bias),
    smallestSubnormal: 2 ** (1 - bias - m),
    resolution: Number(`1e-${Math.floor(m * Math.log10(2))}`),
  };
}
