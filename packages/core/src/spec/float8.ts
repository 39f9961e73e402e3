import { wordOf } from './convert.ts';
import type { Float8DType } from './dtype.ts';
import { type FloatFormat, finfo, formats } from './format.ts';

/** What becomes of numbers beyond the largest of a format. */
export interface Overflow {
  /** Whether they, and infinities, become the largest number; else infinity, or NaN in a format that has none. */
  readonly saturate?: boolean | undefined;
}

/**
 * How an 8-bit format is stored in `Uint8Array`s: round to nearest, ties to even, subnormals kept (AMP.md D2.3). Numbers pass
 * through float32 first.
 */
export interface Float8Codec {
  bitsOf(x: number, overflow?: Overflow): number;
  valueOf(bits: number): number;
  encode(values: Float32Array, overflow?: Overflow): Uint8Array<ArrayBuffer>;
  decode(bits: Uint8Array): Float32Array<ArrayBuffer>;
}

/** What all bits after the sign make, in either format. */
const nanBits = 0x7f;

function createCodec(dtype: Float8DType): Float8Codec {
  const { exponentBits, mantissaBits, infinities }: FloatFormat = formats[dtype];
  const bias = 2 ** (exponentBits - 1) - 1;
  const dropped = 23 - mantissaBits;
  const infinityBits = infinities === 'none' ? nanBits : (2 ** exponentBits - 1) << mantissaBits;
  const maxBits = infinityBits - 1;
  /** What the exponents of the two formats differ by, in a float32 word. */
  const rebias = (127 - bias) << 23;

  function fromWord(word: number, saturate: boolean): number {
    const sign = (word >>> 24) & 0x80;
    const magnitude = word & 0x7fff_ffff;
    if (magnitude > 0x7f80_0000) return sign | nanBits;
    if (magnitude >= rebias + (1 << 23)) {
      // Adding half an ulp − 1 + the lowest kept bit before cutting rounds ties to even; a carry raises the exponent.
      const rounded = (magnitude - rebias + (1 << (dropped - 1)) - 1 + ((magnitude >>> dropped) & 1)) >>> dropped;
      if (rounded <= maxBits) return sign | rounded;
      return sign | (saturate ? maxBits : infinityBits);
    }
    // Subnormal: the mantissa with its implicit one, shifted to units of 2^(1 − bias − mantissaBits).
    const shift = 151 - bias - mantissaBits - (magnitude >>> 23);
    if (shift > 24) return sign;
    const mantissa = (magnitude & 0x7f_ffff) | 0x80_0000;
    return sign | ((mantissa + (1 << (shift - 1)) - 1 + ((mantissa >>> shift) & 1)) >>> shift);
  }

  function valueOf(bits: number): number {
    const magnitude = bits & 0x7f;
    if (magnitude > infinityBits || magnitude === nanBits) return Number.NaN;
    const sign = bits & 0x80 ? -1 : 1;
    if (magnitude === infinityBits) return sign * Number.POSITIVE_INFINITY;
    const exponent = magnitude >>> mantissaBits;
    const mantissa = magnitude & (2 ** mantissaBits - 1);
    const { eps, smallestNormal } = finfo(dtype);
    return sign * smallestNormal * (exponent === 0 ? mantissa * eps : (1 + mantissa * eps) * 2 ** (exponent - 1));
  }

  let table: Float32Array | undefined;
  return {
    bitsOf: (x, { saturate = false } = {}) => fromWord(wordOf(x), saturate),
    valueOf,
    encode(values, { saturate = false } = {}) {
      const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
      const bits = new Uint8Array(values.length);
      for (let i = 0; i < words.length; i++) bits[i] = fromWord(words[i] as number, saturate);
      return bits;
    },
    decode(bits) {
      table ??= Float32Array.from({ length: 256 }, (_, i) => valueOf(i));
      const decoded = new Float32Array(bits.length);
      for (let i = 0; i < bits.length; i++) decoded[i] = table[bits[i] as number] as number;
      return decoded;
    },
  };
}

/** One codec per 8-bit format. */
export const float8Codecs: { readonly [D in Float8DType]: Float8Codec } = {
  float8_e4m3fn: createCodec('float8_e4m3fn'),
  float8_e5m2: createCodec('float8_e5m2'),
};
