import { formats, type GpuDType } from '../gl/format.ts';
import type { TexelType } from '../gl/program.ts';
import type { GlslFunctions } from './library.ts';

/** The GLSL type in which values of a dtype are computed. */
export type GlslType = 'float' | 'int';

export const glslTypes: { readonly [D in GpuDType]: GlslType } = {
  bool: 'int',
  uint8: 'int',
  int32: 'int',
  float16: 'float',
  bfloat16: 'float',
  float32: 'float',
};

/**
 * Between texels and values, for every dtype: `decode_<dtype>(vec4)` and `encode_<dtype>(value)`.
 *
 * The 16-bit floats are rounded as integers, to nearest with ties to even (AMP.md D2): packHalf2x16, and storing to a
 * half-float texture, round differently from driver to driver.
 */
export const codecs: GlslFunctions = {
  texelAt: `ivec2 texelAt(ivec3 dim, int i) { return ivec2(i & dim.y, i >> dim.x); }`,
  outputTexel: `ivec2 outputTexel() { return ivec2(gl_FragCoord.xy); }`,
  outputIndex: `int outputIndex() { return int(gl_FragCoord.y) * uOutputDim.x + int(gl_FragCoord.x); }`,
  isNaN: `bool isNaN(float x) { return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u; }`,
  isFinite: `bool isFinite(float x) { return (floatBitsToUint(x) & 0x7f800000u) != 0x7f800000u; }`,
  isZero: `bool isZero(float x) { return (floatBitsToUint(x) & 0x7fffffffu) == 0u; }`,
  infinity: `float infinity() { return uintBitsToFloat(0x7f800000u); }`,
  quietNaN: `float quietNaN() { return uintBitsToFloat(0x7fc00000u); }`,
  byteOf: `uint byteOf(float channel) { return uint(channel * 255.0 + 0.5); }`,
  wordOf: `uint wordOf(vec2 texel) { return byteOf(texel.x) | (byteOf(texel.y) << 8); }`,
  texelOf: `vec2 texelOf(uint word) { return vec2(float(word & 255u), float(word >> 8)) / 255.0; }`,
  decode_float32: `float decode_float32(vec4 texel) { return texel.r; }`,
  encode_float32: `float encode_float32(float x) { return x; }`,
  // Of the 23 bits of a mantissa 10 stay. From 65520 on (0x477ff000), a tie above the largest float16, all is infinite;
  // below 2^-14 (0x38800000) the result is subnormal, a multiple of 2^-24; at 2^-25 and less it is zero.
  encode_float16: `
vec2 encode_float16(float x) {
  uint w = floatBitsToUint(x);
  uint sign = (w >> 16) & 0x8000u;
  uint magnitude = w & 0x7fffffffu;
  uint bits;
  if (magnitude > 0x7f800000u) bits = 0x7e00u;
  else if (magnitude >= 0x477ff000u) bits = 0x7c00u;
  else if (magnitude >= 0x38800000u) bits = (magnitude - 0x38000000u + 0x0fffu + ((magnitude >> 13) & 1u)) >> 13;
  else if (magnitude <= 0x33000000u) bits = 0u;
  else {
    uint shift = 126u - (magnitude >> 23);
    uint mantissa = (magnitude & 0x7fffffu) | 0x800000u;
    bits = (mantissa + (1u << (shift - 1u)) - 1u + ((mantissa >> shift) & 1u)) >> shift;
  }
  return texelOf(sign | bits);
}`,
  decode_float16: `
float decode_float16(vec4 texel) {
  uint h = wordOf(texel.rg);
  uint sign = (h & 0x8000u) << 16;
  uint exponent = (h >> 10) & 31u;
  uint mantissa = h & 1023u;
  if (exponent == 31u) return uintBitsToFloat(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0u) return uintBitsToFloat(sign | ((exponent + 112u) << 23) | (mantissa << 13));
  return uintBitsToFloat(sign | floatBitsToUint(float(mantissa) * 5.9604644775390625e-8));
}`,
  encode_bfloat16: `
vec2 encode_bfloat16(float x) {
  uint w = floatBitsToUint(x);
  if (isNaN(x)) return texelOf((w >> 16) | 0x40u);
  return texelOf((w + 0x7fffu + ((w >> 16) & 1u)) >> 16);
}`,
  decode_bfloat16: `float decode_bfloat16(vec4 texel) { return uintBitsToFloat(wordOf(texel.rg) << 16); }`,
  decode_int32: `int decode_int32(vec4 texel) { return int(wordOf(texel.rg) | (wordOf(texel.ba) << 16)); }`,
  encode_int32: `vec4 encode_int32(int x) { uint w = uint(x); return vec4(texelOf(w & 0xffffu), texelOf(w >> 16)); }`,
  decode_uint8: `int decode_uint8(vec4 texel) { return int(byteOf(texel.r)); }`,
  encode_uint8: `float encode_uint8(int x) { return float(x & 255) / 255.0; }`,
  decode_bool: `int decode_bool(vec4 texel) { return int(byteOf(texel.r)); }`,
  encode_bool: `float encode_bool(int x) { return x == 0 ? 0.0 : 1.0 / 255.0; }`,
  // One rounding: both products are exact.
  floatOfInt: `float floatOfInt(int x) { return float(x >> 16) * 65536.0 + float(x & 0xffff); }`,
  // Truncated, then modulo 2^32; what is not finite becomes 0.
  intOfFloat: `
int intOfFloat(float x) {
  uint w = floatBitsToUint(x);
  int exponent = int((w >> 23) & 255u) - 127;
  if (exponent < 0 || exponent > 54) return 0;
  uint mantissa = (w & 0x7fffffu) | 0x800000u;
  int magnitude = int(exponent <= 23 ? mantissa >> uint(23 - exponent) : mantissa << uint(exponent - 23));
  return w >> 31 == 0u ? magnitude : -magnitude;
}`,
};

/** The GLSL type of a texel of a dtype. */
export function glslTexel(dtype: GpuDType): TexelType {
  return texelTypes[formats[dtype].channels];
}

/** By the number of channels. */
const texelTypes = { 1: 'float', 2: 'vec2', 4: 'vec4' } as const satisfies Record<number, TexelType>;

/** The GLSL expression for a value of one dtype as one of another, not yet rounded to 16 bits. */
export function convert(value: string, from: GpuDType, to: GpuDType): string {
  if (from === to) return value;
  const [source, target] = [glslTypes[from], glslTypes[to]];
  if (to === 'bool') return source === 'float' ? `(isZero(${value}) ? 0 : 1)` : `(${value} == 0 ? 0 : 1)`;
  if (target === 'float') return source === 'float' ? value : `floatOfInt(${value})`;
  const integer = source === 'float' ? `intOfFloat(${value})` : value;
  return to === 'uint8' && from !== 'bool' ? `(${integer} & 255)` : integer;
}

/** The GLSL expression for a value as it comes back from storage in a dtype. */
export function rounded(value: string, dtype: GpuDType): string {
  if (dtype !== 'float16' && dtype !== 'bfloat16') return value;
  return `decode_${dtype}(vec4(encode_${dtype}(${value}), 0.0, 0.0))`;
}
