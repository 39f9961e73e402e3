import { type Device, type DType, isDType, type Tensor, tensor } from '@halfgrad/core';
import { Missing } from '../suite.ts';
import type { OnnxTensor } from './graph.ts';

/** ONNX's element types by their numbers, under the names of the files. */
const elementTypes: Readonly<Record<number, string>> = {
  1: 'float',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'double',
  12: 'uint32',
  13: 'uint64',
  16: 'bfloat16',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
  24: 'float8e8m0',
  25: 'uint2',
  26: 'int2',
};

/** PyTorch's names, where they differ from ONNX's. int64 is read as int32: indices, shapes and labels fit. */
const ourNames: Readonly<Record<string, string>> = {
  float: 'float32',
  double: 'float64',
  int64: 'int32',
  float8e4m3fn: 'float8_e4m3fn',
  float8e4m3fnuz: 'float8_e4m3fnuz',
  float8e5m2: 'float8_e5m2',
  float8e5m2fnuz: 'float8_e5m2fnuz',
  float8e8m0: 'float8_e8m0fnu',
  float4e2m1: 'float4_e2m1fn',
};

/** @throws Missing for a dtype that the library does not have. */
export function dtypeOf(name: string): DType {
  const ours = ourNames[name] ?? name;
  if (!isDType(ours)) throw new Missing(`dtype ${ours}`);
  return ours;
}

export function dtypeOfElementType(type: number): DType {
  return dtypeOf(elementTypes[type] ?? `number ${type}`);
}

/** The elements as numbers; `Number` understands 'NaN', 'Infinity' and '-0'. */
export function valuesOf({ data, dtype }: OnnxTensor): Float64Array {
  const values = Float64Array.from(data, Number);
  if (dtype === 'int64' && values.some((x) => x !== (x | 0))) throw new Missing('int64 beyond 32 bits');
  return values;
}

export function load(recorded: OnnxTensor, device: Device): Tensor {
  const dtype = dtypeOf(recorded.dtype);
  return tensor(valuesOf(recorded), { shape: recorded.shape, dtype, device });
}
