import {
  allocateHost,
  type Block,
  computeDType,
  type DType,
  float8Codecs,
  type HostData,
  halfCodecs,
  isFloat8,
  isHalf,
  type Overflow,
  type Storage,
  sizeOf,
  type TensorSpec,
} from '@halfgrad/core';
import { createLedger, type Ledger } from './memory.ts';

/** The elements of one or more tensors in JavaScript memory, in the dtype's own storage format. */
export interface HostBlock extends Block {
  data: HostData;
}

/** A tensor as the reference device stores it. */
export interface HostTensor extends Storage {
  readonly block: HostBlock;
}

/** Elements that can be computed with: every storage format but the bits of 16-bit floats. */
export type Numbers = Uint8Array | Int32Array | Float32Array | Float64Array;

/** The two types that floating-point kernels compute in. */
export type Floats = Float32Array | Float64Array;

export const ledger: Ledger = createLedger();

/** A new tensor that owns `data`. */
export function createHostTensor({ shape, dtype, isNumber }: TensorSpec, data: HostData): HostTensor {
  const block: HostBlock = { version: 0, holders: 0, data };
  ledger.allocate(block, { dtype, bytes: data.byteLength });
  return { shape, dtype, isNumber, block };
}

/** The same memory under another shape. */
export function shareBlock(x: HostTensor, { shape, dtype }: TensorSpec): HostTensor {
  return { shape, dtype, isNumber: undefined, block: x.block };
}

/** Zeros of the type in which ops on `dtype` compute: float32 for the 16-bit floats (AMP.md D3.1). */
export function allocateNumbers(dtype: DType, length: number): Numbers {
  const data = allocateHost(computeDType(dtype), length);
  return data instanceof Uint16Array ? new Float32Array(length) : data;
}

export function allocateFloats(dtype: DType, length: number): Floats {
  return allocateHost(dtype === 'float64' ? 'float64' : 'float32', length);
}

/** The elements of `x`, 16-bit and 8-bit floats widened to float32. Not to be written to: other dtypes are not copied. */
export function read(x: HostTensor): Numbers {
  const { data } = x.block;
  if (data instanceof Uint8Array) return isFloat8(x.dtype) ? float8Codecs[x.dtype].decode(data) : data;
  if (!(data instanceof Uint16Array)) return data;
  return (x.dtype === 'float16' ? halfCodecs.float16 : halfCodecs.bfloat16).decode(data);
}

/**
 * The elements of `x` in the type in which ops on `dtype` compute.
 *
 * Floats become integers by truncation, then modulo 2^32 or 2^8; NaN and infinities become 0. Only zero is false.
 */
export function readAs(x: HostTensor, dtype: DType): Numbers {
  const values = read(x);
  if (x.dtype === dtype || computeDType(x.dtype) === computeDType(dtype)) return values;
  const converted = allocateNumbers(dtype, values.length);
  if (dtype !== 'bool') converted.set(values);
  else for (let i = 0; i < values.length; i++) converted[i] = values[i] === 0 ? 0 : 1;
  return converted;
}

/** The elements of `x` in the floating-point type in which ops on `dtype` compute. */
export function readFloats(x: HostTensor, dtype: DType): Floats {
  const values = read(x);
  if (dtype === 'float64') return values instanceof Float64Array ? values : new Float64Array(values);
  return values instanceof Float32Array ? values : new Float32Array(values);
}

/** `x` rounded to `dtype`; the same tensor if it has it. */
export function castTo(x: HostTensor, dtype: DType): HostTensor {
  return x.dtype === dtype ? x : write(readAs(x, dtype), { shape: x.shape, dtype });
}

/** A new tensor of computed elements: the one rounding of an op with a 16-bit result. Takes `values` over. */
export function write(values: Numbers, spec: TensorSpec, overflow?: Overflow): HostTensor {
  return createHostTensor(spec, stored(values, spec.dtype, overflow));
}

/** Overwrites the elements of `x` in place. */
export function overwrite(x: HostTensor, values: Numbers): void {
  x.block.data.set(stored(values, x.dtype));
}

function stored(values: Numbers, dtype: DType, overflow?: Overflow): HostData {
  const singles = (): Float32Array => (values instanceof Float32Array ? values : new Float32Array(values));
  if (isHalf(dtype)) return halfCodecs[dtype].encode(singles());
  return isFloat8(dtype) ? float8Codecs[dtype].encode(singles(), overflow) : values;
}

/** A copy of the same type. */
export function copyOf<N extends Numbers>(values: N): N {
  return values.slice() as N;
}

export function countOf({ shape }: TensorSpec): number {
  return sizeOf(shape);
}
