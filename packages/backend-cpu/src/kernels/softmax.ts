import type { Attrs, Inputs, TensorSpec } from '@halfgrad/core';
import { copyOf, type Floats, type HostTensor, readFloats, write } from '../host-tensor.ts';
import { maxRow, sumRow } from './reduction.ts';
import { fromRows, rowsOf } from './rows.ts';

/** exp(x − max) / Σ exp(x − max). */
export function softmax({ x }: Inputs<'softmax', HostTensor>, { dim }: Attrs<'softmax'>, out: TensorSpec): HostTensor {
  return eachRow([x], dim, out, ([values], start, length, result) => {
    const highest = maxRow(values!, start, length);
    for (let i = start; i < start + length; i++) result[i] = Math.exp(values![i]! - highest);
    const total = sumRow(result, start, length);
    for (let i = start; i < start + length; i++) result[i] = result[i]! / total;
  });
}

/** y · (g − Σ g·y) */
export function softmaxGrad(
  { gradOut, out: y }: Inputs<'softmaxGrad', HostTensor>,
  { dim }: Attrs<'softmaxGrad'>,
  out: TensorSpec,
): HostTensor {
  return eachRow([gradOut, y], dim, out, ([g, y], start, length, result) => {
    for (let i = start; i < start + length; i++) result[i] = g![i]! * y![i]!;
    const projection = sumRow(result, start, length);
    for (let i = start; i < start + length; i++) result[i] = y![i]! * (g![i]! - projection);
  });
}

/** x − max − log Σ exp(x − max). */
export function logSoftmax(
  { x }: Inputs<'logSoftmax', HostTensor>,
  { dim }: Attrs<'logSoftmax'>,
  out: TensorSpec,
): HostTensor {
  return eachRow([x], dim, out, ([values], start, length, result) => {
    const highest = maxRow(values!, start, length);
    for (let i = start; i < start + length; i++) result[i] = Math.exp(values![i]! - highest);
    const logTotal = Math.log(sumRow(result, start, length));
    for (let i = start; i < start + length; i++) result[i] = values![i]! - highest - logTotal;
  });
}

/** g − exp(y) · Σ g */
export function logSoftmaxGrad(
  { gradOut, out: y }: Inputs<'logSoftmaxGrad', HostTensor>,
  { dim }: Attrs<'logSoftmaxGrad'>,
  out: TensorSpec,
): HostTensor {
  return eachRow([gradOut, y], dim, out, ([g, y], start, length, result) => {
    const total = sumRow(g!, start, length);
    for (let i = start; i < start + length; i++) result[i] = g![i]! - Math.exp(y![i]!) * total;
  });
}

/** Computes `result` from the operands, row by row along `dim`. */
function eachRow(
  operands: readonly HostTensor[],
  dim: number,
  out: TensorSpec,
  row: (operands: readonly Floats[], start: number, length: number, result: Floats) => void,
): HostTensor {
  const dims = out.shape.length ? [dim] : [];
  const rows = operands.map((x) => rowsOf(readFloats(x, out.dtype), x, dims));
  const { count, length } = rows[0]!;
  const values = rows.map((operand) => operand.values);
  const result = copyOf(values[0]!);
  if (length > 0) for (let r = 0; r < count; r++) row(values, r * length, length, result);
  return write(fromRows(result, out, dims), out);
}
