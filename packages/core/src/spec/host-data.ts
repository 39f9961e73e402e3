import { Float16Array as PolyfilledFloat16Array } from '@petamoriken/float16';
import { halfCodecs } from './convert.ts';
import { type DType, isFloat8 } from './dtype.ts';
import { TensorError } from './errors.ts';
import { float8Codecs } from './float8.ts';

/** How each dtype is stored in JavaScript memory; 16-bit and 8-bit floats are stored as their bits. */
export interface HostDataOf {
  readonly bool: Uint8Array;
  readonly uint8: Uint8Array;
  readonly int32: Int32Array;
  readonly float8_e4m3fn: Uint8Array;
  readonly float8_e5m2: Uint8Array;
  readonly float16: Uint16Array;
  readonly bfloat16: Uint16Array;
  readonly float32: Float32Array;
  readonly float64: Float64Array;
}

/** The raw elements of a tensor in JavaScript memory, in the dtype's own storage format. */
export type HostData = HostDataOf[DType];

/** What users read: numbers, in the narrowest typed array that holds the dtype exactly. */
export type Values = Uint8Array | Int32Array | Float32Array | Float64Array | Float16Values;

/** A `Float16Array`, native where the engine has one. */
export interface Float16Values extends ArrayLike<number>, Iterable<number> {
  readonly BYTES_PER_ELEMENT: number;
  readonly buffer: ArrayBufferLike;
}

interface StorageFormat<D extends DType> {
  allocate(length: number): HostDataOf[D];
  /** From a number to a stored element; typed arrays do the rest (int32 and uint8 wrap, float32 rounds). */
  encode(x: number): number;
  decode(stored: number): number;
}

const same = (x: number): number => x;

const storageFormats: { readonly [D in DType]: StorageFormat<D> } = {
  bool: { allocate: (length) => new Uint8Array(length), encode: (x) => (x ? 1 : 0), decode: same },
  uint8: { allocate: (length) => new Uint8Array(length), encode: same, decode: same },
  int32: { allocate: (length) => new Int32Array(length), encode: same, decode: same },
  float8_e4m3fn: {
    allocate: (length) => new Uint8Array(length),
    encode: (x) => float8Codecs.float8_e4m3fn.bitsOf(x),
    decode: float8Codecs.float8_e4m3fn.valueOf,
  },
  float8_e5m2: {
    allocate: (length) => new Uint8Array(length),
    encode: (x) => float8Codecs.float8_e5m2.bitsOf(x),
    decode: float8Codecs.float8_e5m2.valueOf,
  },
  float16: {
    allocate: (length) => new Uint16Array(length),
    encode: halfCodecs.float16.bitsOf,
    decode: halfCodecs.float16.valueOf,
  },
  bfloat16: {
    allocate: (length) => new Uint16Array(length),
    encode: halfCodecs.bfloat16.bitsOf,
    decode: halfCodecs.bfloat16.valueOf,
  },
  float32: { allocate: (length) => new Float32Array(length), encode: same, decode: same },
  float64: { allocate: (length) => new Float64Array(length), encode: same, decode: same },
};

/**
 * Zeros, in the storage format of `dtype`.
 *
 * @throws TensorError `out-of-memory` for more than the engine can allocate.
 */
export function allocateHost<D extends DType>(dtype: D, length: number): HostDataOf[D] {
  try {
    return storageFormats[dtype].allocate(length);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new TensorError('out-of-memory', `no room for ${length} elements of ${dtype}`, { cause });
  }
}

/** Numbers rounded to `dtype` and stored in its format (AMP.md D2). */
export function encodeNumbers<D extends DType>(numbers: ArrayLike<number>, dtype: D): HostDataOf[D] {
  const data = allocateHost(dtype, numbers.length);
  const { encode } = storageFormats[dtype];
  for (let i = 0; i < numbers.length; i++) data[i] = encode(numbers[i] as number);
  return data;
}

/** `x` as it comes back from storage in `dtype`: the one rounding every store performs. */
export function roundTo(dtype: DType, x: number): number {
  return storageFormats[dtype].decode(encodeNumbers([x], dtype)[0] as number);
}

const Float16Array =
  (globalThis as { Float16Array?: typeof PolyfilledFloat16Array }).Float16Array ?? PolyfilledFloat16Array;

/** The numbers of stored data. Shares memory where the storage format is readable as it is. */
export function decodeValues(data: HostData, dtype: DType): Values {
  if (dtype === 'float16') {
    return new Float16Array(data.buffer as ArrayBuffer, data.byteOffset, data.length) as Float16Values;
  }
  if (isFloat8(dtype)) return float8Codecs[dtype].decode(data as Uint8Array);
  return dtype === 'bfloat16' ? halfCodecs.bfloat16.decode(data as Uint16Array) : (data as Values);
}
