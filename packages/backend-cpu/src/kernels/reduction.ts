import type { Attrs, Inputs, Reduction, TensorSpec } from '@halfgrad/core';
import {
  allocateFloats,
  allocateNumbers,
  type Floats,
  type HostTensor,
  type Numbers,
  readAs,
  readFloats,
  write,
} from '../host-tensor.ts';
import { rowsOf } from './rows.ts';

/** Makes one number of the `length` elements from `start` on. */
type RowReduction = (values: Numbers, start: number, length: number) => number;

function reduceRows(
  values: Numbers,
  x: TensorSpec,
  dims: readonly number[],
  out: TensorSpec,
  reduce: RowReduction,
): HostTensor {
  const rows = rowsOf(values, x, dims);
  const result = allocateNumbers(out.dtype, rows.count);
  for (let r = 0; r < rows.count; r++) result[r] = reduce(rows.values, r * rows.length, rows.length);
  return write(result, out);
}

/** An op over `dims`, computed in the type in which the result's dtype computes. */
export function reduce(
  row: RowReduction,
): (inputs: { x: HostTensor }, attrs: Reduction, out: TensorSpec) => HostTensor {
  return ({ x }, { dims }, out) => reduceRows(readAs(x, out.dtype), x, dims, out, row);
}

/** Longer rows are halved, at a multiple of this, until they are no longer. */
const blockLength = 128;

/**
 * The sum of a row: blocks of 128 elements, added up pairwise.
 *
 * A block is summed in four interleaved lanes, (s₀ + s₁) + (s₂ + s₃), and its last elements one by one. Every addition is
 * rounded to float32 unless the elements are float64. The error grows with log n, where that of one running sum grows
 * with n; and four lanes are what a SIMD device can do alike.
 *
 * @see Higham (1993), "The accuracy of floating point summation", section 4.
 */
export function sumRow(values: Numbers, start: number, length: number): number {
  const isSingle = values instanceof Float32Array;
  if (length <= blockLength) {
    return isSingle ? sumBlock32(values, start, length) : sumBlock(values, start, length);
  }
  const half = Math.ceil(length / (2 * blockLength)) * blockLength;
  const sum = sumRow(values, start, half) + sumRow(values, start + half, length - half);
  return isSingle ? Math.fround(sum) : sum;
}

function sumBlock32(values: Float32Array, start: number, length: number): number {
  const { fround } = Math;
  const lanesEnd = start + length - (length % 4);
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = start; i < lanesEnd; i += 4) {
    s0 = fround(s0 + values[i]!);
    s1 = fround(s1 + values[i + 1]!);
    s2 = fround(s2 + values[i + 2]!);
    s3 = fround(s3 + values[i + 3]!);
  }
  let sum = fround(fround(s0 + s1) + fround(s2 + s3));
  for (let i = lanesEnd; i < start + length; i++) sum = fround(sum + values[i]!);
  return sum;
}

function sumBlock(values: Numbers, start: number, length: number): number {
  const lanesEnd = start + length - (length % 4);
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = start; i < lanesEnd; i += 4) {
    s0 += values[i]!;
    s1 += values[i + 1]!;
    s2 += values[i + 2]!;
    s3 += values[i + 3]!;
  }
  let sum = s0 + s1 + (s2 + s3);
  for (let i = lanesEnd; i < start + length; i++) sum += values[i]!;
  return sum;
}

export function meanRow(values: Numbers, start: number, length: number): number {
  return sumRow(values, start, length) / length;
}

/** The largest element; a NaN wins. */
export function maxRow(values: Numbers, start: number, length: number): number {
  return values[start + argmaxRow(values, start, length)]!;
}

/** The position of the largest element within the row; the first one wins, and a NaN before all. */
export function argmaxRow(values: Numbers, start: number, length: number): number {
  let best = 0;
  let highest = values[start]!;
  for (let i = 1; i < length; i++) {
    const value = values[start + i]!;
    if (!(value <= highest) && !Number.isNaN(highest)) {
      best = i;
      highest = value;
    }
  }
  return best;
}

/** The smallest element; a NaN wins. */
export function minRow(values: Numbers, start: number, length: number): number {
  return values[start + argminRow(values, start, length)]!;
}

/** The position of the smallest element within the row; the first one wins, and a NaN before all. */
export function argminRow(values: Numbers, start: number, length: number): number {
  let best = 0;
  let lowest = values[start]!;
  for (let i = 1; i < length; i++) {
    const value = values[start + i]!;
    if (!(value >= lowest) && !Number.isNaN(lowest)) {
      best = i;
      lowest = value;
    }
  }
  return best;
}

/** The product of a row, from left to right; integers wrap. */
export function productRow(values: Numbers, start: number, length: number): number {
  const multiply = multiplierOf(values);
  let product = 1;
  for (let i = start; i < start + length; i++) product = multiply(product, values[i]!);
  return product;
}

/** How two elements multiply: rounded to float32 unless they are float64, modulo 2^32 for integers. */
export function multiplierOf(values: Numbers): (a: number, b: number) => number {
  if (values instanceof Float64Array) return (a, b) => a * b;
  return values instanceof Float32Array ? (a, b) => Math.fround(a * b) : Math.imul;
}

/** Integers wrap; a sum of bools as bool is whether any is true. */
export function sum({ x }: Inputs<'sum', HostTensor>, { dims }: Attrs<'sum'>, out: TensorSpec): HostTensor {
  return reduceRows(readAs(x, out.dtype), x, dims, out, out.dtype === 'bool' ? maxRow : sumRow);
}

/** Σ (x − mean)² / (n − correction), in two passes. */
export function variance(
  { x }: Inputs<'variance', HostTensor>,
  { dims, correction }: Attrs<'variance'>,
  out: TensorSpec,
): HostTensor {
  const rows = rowsOf(readFloats(x, out.dtype), x, dims);
  const squares = allocateFloats(out.dtype, rows.length);
  const result = allocateFloats(out.dtype, rows.count);
  for (let r = 0; r < rows.count; r++) {
    const start = r * rows.length;
    result[r] = squaredDeviations(rows.values, start, squares) / Math.max(rows.length - correction, 0);
  }
  return write(result, out);
}

/** Σ (x − mean)² of the row from `start` on, as long as the scratch row `squares`. */
export function squaredDeviations(values: Floats, start: number, squares: Floats): number {
  const mean = meanRow(values, start, squares.length);
  for (let i = 0; i < squares.length; i++) {
    const deviation = values[start + i]! - mean;
    squares[i] = deviation * deviation;
  }
  return sumRow(squares, 0, squares.length);
}

/** The position that `row` finds along `dim`. */
export function position(
  row: RowReduction,
): (inputs: { x: HostTensor }, attrs: { dim: number }, out: TensorSpec) => HostTensor {
  return ({ x }, { dim }, out) => reduceRows(readAs(x, x.dtype), x, x.shape.length ? [dim] : [], out, row);
}
