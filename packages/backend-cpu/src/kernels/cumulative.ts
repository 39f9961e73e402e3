import type { Attrs, Inputs, TensorSpec } from '@halfgrad/core';
import { copyOf, type HostTensor, type Numbers, readAs, write } from '../host-tensor.ts';
import { multiplierOf } from './reduction.ts';
import { fromRows, rowsOf } from './rows.ts';

/** Float32 sums are rounded at every step; integers wrap; a sum of bools as bool is whether any was true. */
export function cumsum({ x }: Inputs<'cumsum', HostTensor>, { dim }: Attrs<'cumsum'>, out: TensorSpec): HostTensor {
  const add = (a: number, b: number): number => a + b;
  const or = (a: number, b: number): number => a | b;
  return scan(readAs(x, out.dtype), dim, out, out.dtype === 'bool' ? or : add);
}

export function cumprod({ x }: Inputs<'cumprod', HostTensor>, { dim }: Attrs<'cumprod'>, out: TensorSpec): HostTensor {
  const values = readAs(x, out.dtype);
  return scan(values, dim, out, multiplierOf(values));
}

/** Combines each element of a row with the result before it, as that was stored. */
function scan(values: Numbers, dim: number, out: TensorSpec, combine: (a: number, b: number) => number): HostTensor {
  const dims = out.shape.length ? [dim] : [];
  const rows = rowsOf(values, out, dims);
  const result = copyOf(rows.values);
  for (let r = 0; r < rows.count; r++) {
    const start = r * rows.length;
    for (let i = start + 1; i < start + rows.length; i++) result[i] = combine(result[i - 1]!, result[i]!);
  }
  return write(fromRows(result, out, dims), out);
}
