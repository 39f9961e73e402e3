/** Element types, by PyTorch's canonical names. */
export type DType = 'bool' | 'uint8' | 'int32' | Float8DType | 'float16' | 'bfloat16' | 'float32' | 'float64';

/** The 8-bit floats, which only store: they can be cast and moved, but nothing computes with them (AMP.md D4.8). */
export type Float8DType = 'float8_e4m3fn' | 'float8_e5m2';

/** The two 16-bit floating-point types, which autocast can lower to. */
export type HalfDType = 'float16' | 'bfloat16';

/** Ordered: an operand of lower participation changes the result only if its category is higher (AMP.md D4.1). */
export type Category = 'bool' | 'integer' | 'float';

export interface DTypeInfo {
  readonly bytes: number;
  readonly category: Category;
}

/** One row per dtype; the order is that of the promotion lattice, in which 8-bit floats have no part. */
export const dtypes: { readonly [D in DType]: DTypeInfo } = {
  bool: { bytes: 1, category: 'bool' },
  uint8: { bytes: 1, category: 'integer' },
  int32: { bytes: 4, category: 'integer' },
  float8_e4m3fn: { bytes: 1, category: 'float' },
  float8_e5m2: { bytes: 1, category: 'float' },
  float16: { bytes: 2, category: 'float' },
  bfloat16: { bytes: 2, category: 'float' },
  float32: { bytes: 4, category: 'float' },
  float64: { bytes: 8, category: 'float' },
};

export const dtypeNames: readonly DType[] = Object.keys(dtypes) as DType[];

/** The dtype of integer tensors turned into floats, and of every factory function that is not told otherwise. */
export const defaultFloat: DType = 'float32';

export function isDType(name: unknown): name is DType {
  return typeof name === 'string' && Object.hasOwn(dtypes, name);
}

/** Whether floating-point arithmetic is defined on `dtype`: not on the 8-bit floats, which only store. */
export function isFloat(dtype: DType): boolean {
  return dtypes[dtype].category === 'float' && !isFloat8(dtype);
}

export function isFloat8(dtype: DType): dtype is Float8DType {
  return dtype === 'float8_e4m3fn' || dtype === 'float8_e5m2';
}

export function isHalf(dtype: DType): dtype is HalfDType {
  return dtype === 'float16' || dtype === 'bfloat16';
}

/**
 * The dtype in which an op on `dtype` is computed before its result is rounded once (AMP.md D3.1): float32 for the 16-bit
 * types, and for what is cast to or from 8 bits; the type itself otherwise.
 */
export function computeDType(dtype: DType): DType {
  return isHalf(dtype) || isFloat8(dtype) ? 'float32' : dtype;
}
