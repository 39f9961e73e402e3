import { type Attrs, type Inputs, sizeOf, type TensorSpec } from '@halfgrad/core';
import { allocateNumbers, countOf, type HostTensor, type Numbers, readAs, write } from '../host-tensor.ts';
import { broadcastStrides, offsetsOf } from './layout.ts';
import { createMultiplyAdd, matrix } from './multiply-add.ts';

export function matmul(
  { a, b }: Inputs<'matmul', HostTensor>,
  { transposeA, transposeB }: Attrs<'matmul'>,
  out: TensorSpec,
): HostTensor {
  const [aRows, aColumns] = [a.shape.at(-2)!, a.shape.at(-1)!];
  const [bRows, bColumns] = [b.shape.at(-2)!, b.shape.at(-1)!];
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const n = transposeB ? bRows : bColumns;
  const batch = out.shape.slice(0, -2);
  const aStarts = offsetsOf(batch, broadcastStrides(a.shape.slice(0, -2), batch));
  const bStarts = offsetsOf(batch, broadcastStrides(b.shape.slice(0, -2), batch));
  const [left, right] = [readAs(a, out.dtype), readAs(b, out.dtype)];
  const result = allocateNumbers(out.dtype, countOf(out));
  const multiplyAdd = createMultiplyAdd();
  for (let i = 0; i < aStarts.length; i++) {
    const aMatrix = matrix(left, aStarts[i]! * aRows * aColumns, aColumns, transposeA ? 'transposed' : 'as stored');
    const bMatrix = matrix(right, bStarts[i]! * bRows * bColumns, bColumns, transposeB ? 'transposed' : 'as stored');
    multiplyAdd({ m, n, k }, aMatrix, bMatrix, result, i * m * n);
  }
  return write(result, out);
}

/** x · weightᵀ + bias, rounded once for the 16-bit floats. */
export function linear({ x, weight, bias }: Inputs<'linear', HostTensor>, _: unknown, out: TensorSpec): HostTensor {
  const [n, k] = [weight.shape[0]!, weight.shape[1]!];
  const m = sizeOf(x.shape.slice(0, -1));
  const result = allocateNumbers(out.dtype, m * n);
  const rows = matrix(readAs(x, out.dtype), 0, k);
  const columns = matrix(readAs(weight, out.dtype), 0, k, 'transposed');
  createMultiplyAdd()({ m, n, k }, rows, columns, result, 0);
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
