import type { Attrs, Inputs, TensorSpec } from '@halfgrad/core';
import { type HostTensor, read, write } from '../host-tensor.ts';
import { fromRows, rowsOf } from './rows.ts';

/** Equal elements keep their order in either direction; a NaN counts as larger than any number. */
export function argsort(
  { x }: Inputs<'argsort', HostTensor>,
  { dim, descending }: Attrs<'argsort'>,
  out: TensorSpec,
): HostTensor {
  const dims = out.shape.length ? [dim] : [];
  const { values, count, length } = rowsOf(read(x), x, dims);
  const result = new Int32Array(values.length);
  const direction = descending ? -1 : 1;
  for (let r = 0; r < count; r++) {
    const start = r * length;
    const row = result.subarray(start, start + length);
    for (let i = 0; i < length; i++) row[i] = i;
    row.sort((i, j) => direction * compare(values[start + i]!, values[start + j]!) || i - j);
  }
  return write(fromRows(result, out, dims), out);
}

function compare(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}
