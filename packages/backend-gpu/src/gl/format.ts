import { type DType, type Float8DType, isFloat8, TensorError } from '@halfgrad/core';

/** How the elements of a tensor lie in a texture: one per texel, in exactly as many bytes as the dtype has. */
export interface TextureFormat {
  readonly internal: 'R32F' | 'RG8' | 'R8' | 'RGBA8' | 'RGBA32F';
  readonly pixels: 'RED' | 'RG' | 'RGBA';
  readonly type: 'FLOAT' | 'UNSIGNED_BYTE';
  readonly channels: 1 | 2 | 4;
  readonly bytes: number;
}

const r32f: TextureFormat = { internal: 'R32F', pixels: 'RED', type: 'FLOAT', channels: 1, bytes: 4 };
const rg8: TextureFormat = { internal: 'RG8', pixels: 'RG', type: 'UNSIGNED_BYTE', channels: 2, bytes: 2 };
const r8: TextureFormat = { internal: 'R8', pixels: 'RED', type: 'UNSIGNED_BYTE', channels: 1, bytes: 1 };
const rgba8: TextureFormat = { internal: 'RGBA8', pixels: 'RGBA', type: 'UNSIGNED_BYTE', channels: 4, bytes: 4 };

/** Four float32 numbers per texel: what matrix products read and write in between. */
export const quadFormat: TextureFormat = {
  internal: 'RGBA32F',
  pixels: 'RGBA',
  type: 'FLOAT',
  channels: 4,
  bytes: 16,
};

/** The dtypes that this device stores. */
export type GpuDType = Exclude<DType, 'float64' | Float8DType>;

/**
 * The 16-bit floats are stored as their two bytes, integers as theirs: unsigned normalised bytes are exact by
 * specification, where a half-float texture may turn an infinity into NaN.
 */
export const formats: { readonly [D in GpuDType]: TextureFormat } = {
  bool: r8,
  uint8: r8,
  int32: rgba8,
  float16: rg8,
  bfloat16: rg8,
  float32: r32f,
};

/** @throws TensorError `unsupported` for float64, which WebGL does not compute, and for 8-bit floats. */
export function requireSupported(dtype: DType): GpuDType {
  if (isFloat8(dtype)) {
    throw new TensorError('unsupported', `gpu: ${dtype} is not stored here. Use the cpu or wasm device, or 16 bits.`);
  }
  if (dtype !== 'float64') return dtype;
  throw new TensorError(
    'unsupported',
    "gpu: WebGL has no float64. Use .to('float32'), or the cpu device where 53 bits matter.",
  );
}
