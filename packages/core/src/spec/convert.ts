/**
 * Bit-exact conversions between float32 and the 16-bit formats (AMP.md D2): round to nearest, ties to even, subnormals
 * kept, overflow to infinity, NaN stays a quiet NaN.
 *
 * Both directions work on the bits of a float32 word `w`. Adding `half an ulp − 1 + the lowest kept bit` before cutting
 * rounds to nearest with ties to even, and a carry out of the mantissa correctly raises the exponent.
 */

const word = new Uint32Array(1);
const single = new Float32Array(word.buffer);

/** The bits of the float32 nearest to `x`. */
export function wordOf(x: number): number {
  single[0] = x;
  return word[0] as number;
}

function floatOf(w: number): number {
  word[0] = w;
  return single[0] as number;
}

/** The float16 bits of the float32 nearest to `x` (AMP.md D2.2: a double passes through float32 first, as in PyTorch). */
export function float16BitsOf(x: number): number {
  return float16FromWord(wordOf(x));
}

/** The bfloat16 bits of the float32 nearest to `x`. */
export function bfloat16BitsOf(x: number): number {
  return bfloat16FromWord(wordOf(x));
}

/** From 2^16 − 2^4 (65520, the tie above 65504) on, float16 rounds to infinity. */
const float16OverflowWord = 0x477f_f000;
/** 2^−14, the smallest normal float16. */
const float16NormalWord = 0x3880_0000;
/** 2^−25, half of the smallest subnormal: a tie, which goes to the even neighbour 0. */
const float16UnderflowWord = 0x3300_0000;

function float16FromWord(w: number): number {
  const sign = (w >>> 16) & 0x8000;
  const magnitude = w & 0x7fff_ffff;
  if (magnitude >= float16OverflowWord) return sign | (magnitude > 0x7f80_0000 ? 0x7e00 : 0x7c00);
  if (magnitude >= float16NormalWord) {
    // Re-bias the exponent from 127 to 15, drop 13 of the 23 mantissa bits.
    return sign | ((magnitude - 0x3800_0000 + 0x0fff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  if (magnitude <= float16UnderflowWord) return sign;
  // Subnormal: the mantissa with its implicit one, shifted to units of 2^−24.
  const shift = 126 - (magnitude >>> 23);
  const mantissa = (magnitude & 0x7f_ffff) | 0x80_0000;
  const half = 1 << (shift - 1);
  return sign | ((mantissa + half - 1 + ((mantissa >>> shift) & 1)) >>> shift);
}

function bfloat16FromWord(w: number): number {
  if ((w & 0x7fff_ffff) > 0x7f80_0000) return (w >>> 16) | 0x0040;
  return ((w + 0x7fff + ((w >>> 16) & 1)) >>> 16) & 0xffff;
}

/** The value of a float16 bit pattern. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** The value of a bfloat16 bit pattern: the upper half of a float32. */
export function bfloat16Value(bits: number): number {
  return floatOf((bits << 16) >>> 0);
}

/** How a 16-bit format is stored in `Uint16Array`s. */
export interface HalfCodec {
  /** The bits of the float32 nearest to `x`, rounded once more to the format. */
  bitsOf(x: number): number;
  valueOf(bits: number): number;
  /** All 65,536 values, by bit pattern. Built on first use: decoding is one lookup per element. */
  readonly table: Float32Array;
  encode(values: Float32Array): Uint16Array<ArrayBuffer>;
  decode(bits: Uint16Array): Float32Array<ArrayBuffer>;
}

function createCodec(fromWord: (w: number) => number, valueOf: (bits: number) => number): HalfCodec {
  let table: Float32Array | undefined;
  return {
    bitsOf: (x) => fromWord(wordOf(x)),
    valueOf,
    get table() {
      table ??= Float32Array.from({ length: 0x1_0000 }, (_, bits) => valueOf(bits));
      return table;
    },
    encode(values) {
      const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
      const bits = new Uint16Array(values.length);
      for (let i = 0; i < words.length; i++) bits[i] = fromWord(words[i] as number);
      return bits;
    },
    decode(bits) {
      const { table: values } = this;
      const decoded = new Float32Array(bits.length);
      for (let i = 0; i < bits.length; i++) decoded[i] = values[bits[i] as number] as number;
      return decoded;
    },
  };
}

/** One codec per 16-bit format. */
export const halfCodecs: { readonly float16: HalfCodec; readonly bfloat16: HalfCodec } = {
  float16: createCodec(float16FromWord, float16Value),
  bfloat16: createCodec(bfloat16FromWord, bfloat16Value),
};
