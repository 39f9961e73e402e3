import { dtypes, resultType, type TensorSpec } from '@halfgrad/core';
import {
  allocateNumbers,
  castTo,
  countOf,
  type HostTensor,
  type Numbers,
  read,
  readAs,
  write,
} from '../host-tensor.ts';
import { broadcastStrides, planLoop } from './layout.ts';

type Unary = (inputs: { x: HostTensor }, attrs: unknown, out: TensorSpec) => HostTensor;
type Binary = (inputs: { a: HostTensor; b: HostTensor }, attrs: unknown, out: TensorSpec) => HostTensor;

/** `f` of every element, in the type in which the result's dtype computes. */
export function mapElements(x: HostTensor, out: TensorSpec, f: (x: number) => number): HostTensor {
  const values = readAs(x, out.dtype);
  const result = allocateNumbers(out.dtype, values.length);
  for (let i = 0; i < result.length; i++) result[i] = f(values[i]!);
  return write(result, out);
}

/** An op of one operand. */
export function map(f: (x: number) => number): Unary {
  return ({ x }, _, out) => mapElements(x, out, f);
}

/** A bool for every element. */
export function test(holds: (x: number) => boolean): Unary {
  return ({ x }, _, out) => {
    const values = read(x);
    const result = new Uint8Array(values.length);
    for (let i = 0; i < result.length; i++) result[i] = holds(values[i]!) ? 1 : 0;
    return write(result, out);
  };
}

/** `f` of every pair of elements of two tensors of the same shape. */
export function mapPairs(
  a: HostTensor,
  b: HostTensor,
  out: TensorSpec,
  f: (a: number, b: number) => number,
): HostTensor {
  const left = readAs(a, out.dtype);
  const right = readAs(b, out.dtype);
  const result = allocateNumbers(out.dtype, left.length);
  for (let i = 0; i < result.length; i++) result[i] = f(left[i]!, right[i]!);
  return write(result, out);
}

/**
 * Computes `out[at + i]` for `i < length` from `a[aAt + i · aStep]` and `b[bAt + i · bStep]`.
 *
 * A row contains its loop, so that the engine can compile the arithmetic of the common ops into it.
 */
export type PairRow = (
  out: Numbers,
  at: number,
  length: number,
  a: Numbers,
  aAt: number,
  aStep: number,
  b: Numbers,
  bAt: number,
  bStep: number,
) => void;

/** A row that calls `f` for every pair. */
export function eachPair(f: (a: number, b: number) => number): PairRow {
  return (out, at, length, a, aAt, aStep, b, bAt, bStep) => {
    for (let i = 0; i < length; i++) out[at + i] = f(a[aAt + i * aStep]!, b[bAt + i * bStep]!);
  };
}

/** An op of two operands that broadcast, computed in the type in which the result's dtype computes. */
export function zip(
  float: PairRow,
  { integer = float, bool = float }: { integer?: PairRow; bool?: PairRow } = {},
): Binary {
  const rows = { float, integer, bool };
  return ({ a, b }, _, out) => {
    const result = allocateNumbers(out.dtype, countOf(out));
    const operands = [operand(a, readAs(a, out.dtype)), operand(b, readAs(b, out.dtype))] as const;
    zipRows(rows[dtypes[out.dtype].category], result, out.shape, ...operands);
    return write(result, out);
  };
}

/** A comparison of two operands that broadcast, both rounded to the dtype that they promote to. */
export function compare(row: PairRow): Binary {
  return ({ a, b }, _, out) => {
    const result = new Uint8Array(countOf(out));
    const dtype = resultType(a, b);
    zipRows(row, result, out.shape, operand(a, read(castTo(a, dtype))), operand(b, read(castTo(b, dtype))));
    return write(result, out);
  };
}

interface Operand {
  readonly shape: readonly number[];
  readonly values: Numbers;
}

function operand({ shape }: TensorSpec, values: Numbers): Operand {
  return { shape, values };
}

function zipRows(row: PairRow, out: Numbers, shape: readonly number[], a: Operand, b: Operand): void {
  if (out.length === 0) return;
  const { rows, length, starts, steps } = planLoop(
    shape,
    [a, b].map((operand) => broadcastStrides(operand.shape, shape)),
  );
  for (let r = 0; r < rows; r++) {
    row(out, r * length, length, a.values, starts[0]![r]!, steps[0]!, b.values, starts[1]![r]!, steps[1]!);
  }
}
