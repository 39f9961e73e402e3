import { type Attrs, type Inputs, sizeOf, type TensorSpec } from '@halfgrad/core';
import { allocateNumbers, countOf, type HostTensor, type Numbers, readAs, write } from '../host-tensor.ts';
import { broadcastStrides, offsetsOf } from './layout.ts';

/** A matrix in memory: element (i, j) is at `offset + i · rowStride + j · columnStride`. */
export interface Matrix<N extends Numbers> {
  readonly values: N;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** The matrix of row-major elements from `offset` on; transposed, its rows are the columns in memory. */
export function matrix<N extends Numbers>(values: N, offset: number, columns: number, transposed = false): Matrix<N> {
  return transposed
    ? { values, offset, rowStride: 1, columnStride: columns }
    : { values, offset, rowStride: columns, columnStride: 1 };
}

/**
 * C += A · B, for A of m × k, B of k × n and a row-major C of m × n from `at` on.
 *
 *   cᵢⱼ = ((cᵢⱼ + aᵢ₀b₀ⱼ) + aᵢ₁b₁ⱼ) + …
 *
 * in float32 with every product and every sum rounded, k ascending, so that any device can compute the same bits.
 * float64 likewise in its own precision; integers wrap.
 */
export function multiplyAdd(
  m: number,
  n: number,
  k: number,
  a: Matrix<Numbers>,
  b: Matrix<Numbers>,
  c: Numbers,
  at: number,
): void {
  const integer = c instanceof Int32Array || c instanceof Uint8Array;
  const multiply = integer
    ? Math.imul
    : c instanceof Float32Array
      ? (x: number, y: number) => Math.fround(x * y)
      : (x: number, y: number) => x * y;
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = a.values[a.offset + i * a.rowStride + p * a.columnStride]!;
      for (let j = 0; j < n; j++) {
        c[at + i * n + j]! += multiply(x, b.values[b.offset + p * b.rowStride + j * b.columnStride]!);
      }
    }
  }
}

export function matmul(
  { a, b }: Inputs<'matmul', HostTensor>,
  { transposeA, transposeB }: Attrs<'matmul'>,
  out: TensorSpec,
): HostTensor {
  const [m, n] = out.shape.slice(-2) as [number, number];
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const k = transposeA ? aRows : aColumns;
  const batch = out.shape.slice(0, -2);
  const aStarts = offsetsOf(batch, broadcastStrides(a.shape.slice(0, -2), batch));
  const bStarts = offsetsOf(batch, broadcastStrides(b.shape.slice(0, -2), batch));
  const [left, right] = [readAs(a, out.dtype), readAs(b, out.dtype)];
  const result = allocateNumbers(out.dtype, countOf(out));
  for (let i = 0; i < aStarts.length; i++) {
    const aMatrix = matrix(left, aStarts[i]! * aRows * aColumns, aColumns, transposeA);
    const bMatrix = matrix(right, bStarts[i]! * bRows * bColumns, bColumns, transposeB);
    multiplyAdd(m, n, k, aMatrix, bMatrix, result, i * m * n);
  }
  return write(result, out);
}

/** x · weightᵀ + bias, rounded once for the 16-bit floats. */
export function linear({ x, weight, bias }: Inputs<'linear', HostTensor>, _: unknown, out: TensorSpec): HostTensor {
  const [n, k] = weight.shape as [number, number];
  const m = sizeOf(x.shape.slice(0, -1));
  const result = allocateNumbers(out.dtype, m * n);
  multiplyAdd(m, n, k, matrix(readAs(x, out.dtype), 0, k), matrix(readAs(weight, out.dtype), 0, k, true), result, 0);
  if (bias) addBias(result, readAs(bias, out.dtype), m, 1);
  return write(result, out);
}

/** Adds one number per channel to elements laid out as [outer, channels, inner]. */
export function addBias(values: Numbers, bias: Numbers, outer: number, inner: number): void {
  for (let o = 0, i = 0; o < outer; o++) {
    for (let channel = 0; channel < bias.length; channel++) {
      for (let j = 0; j < inner; j++) values[i++]! += bias[channel]!;
    }
  }
}
