import { type DType, isFloat, isHalf, Tensor } from '@halfgrad/core';

/** The same arrays and plain objects with every tensor in them replaced; what is neither passes as it is. */
export function mapTensors<V>(value: V, replace: (tensor: Tensor) => Tensor): V {
  return map(value, replace) as V;
}

/** Arguments with their floating-point tensors in `dtype`. */
export function castFloats<V>(value: V, dtype: DType): V {
  return mapTensors(value, (x) => (isFloat(x.dtype) ? x.to(dtype) : x));
}

/** Results with their 16-bit tensors as float32. */
export function widenHalves<V>(value: V): V {
  return mapTensors(value, (x) => (isHalf(x.dtype) ? x.to('float32') : x));
}

function map(value: unknown, replace: (tensor: Tensor) => Tensor): unknown {
  if (value instanceof Tensor) return replace(value);
  if (Array.isArray(value)) return value.map((item) => map(item, replace));
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, map(item, replace)]));
}
