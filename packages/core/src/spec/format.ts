import type { DType } from './dtype.ts';
import { TensorError } from './errors.ts';

/** A binary floating-point format: one sign bit, `exponentBits`, `mantissaBits` stored (AMP.md D1). */
export interface FloatFormat {
  readonly exponentBits: number;
  readonly mantissaBits: number;
}

export type FloatDType = 'float16' | 'bfloat16' | 'float32' | 'float64';

export const formats: { readonly [D in FloatDType]: FloatFormat } = {
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
 * @throws TensorError `invalid-argument` for a dtype that is not floating point.
 */
export function finfo(dtype: DType): Finfo {
  if (!Object.hasOwn(formats, dtype)) {
    throw new TensorError('invalid-argument', `finfo: ${dtype} is not a floating-point dtype`);
  }
  const name = dtype as FloatDType;
  const { exponentBits: e, mantissaBits: m } = formats[name];
  const bias = 2 ** (e - 1) - 1;
  const max = (2 - 2 ** -m) * 2 ** bias;
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
