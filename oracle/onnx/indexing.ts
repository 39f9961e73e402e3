import {
  add,
  arange,
  cast,
  dispatch,
  equal,
  full,
  gather,
  greater,
  greaterEqual,
  indexSelect,
  less,
  lessEqual,
  mul,
  onesLike,
  reshape,
  sizeOf,
  sum,
  type Tensor,
  tensor,
  unsqueeze,
  where,
} from '@halfgrad/core';
import { Missing } from '../suite.ts';
import type { OnnxCall, OnnxOp } from './graph.ts';
import { dtypeOfElementType } from './tensors.ts';

/** Indices count from the back where they are negative. */
function fromFront(index: Tensor, size: number): Tensor {
  return where(less(index, 0), add(index, size), index);
}

function gatherSlices(call: OnnxCall): Tensor {
  const x = call.input(0);
  const axis = call.int('axis', 0);
  return indexSelect(x, axis, fromFront(call.input(1), x.shape.at(axis) as number));
}

function gatherElements(call: OnnxCall): Tensor {
  const x = call.input(0);
  const axis = call.int('axis', 0);
  return gather(x, axis, fromFront(call.input(1), x.shape.at(axis) as number));
}

/** The positions that rows of indices name, as if the first dimensions were one. */
function flatPositions(shape: readonly number[], indices: Tensor): { rows: number; index: Tensor } {
  const depth = indices.shape.at(-1) as number;
  const leading = shape.slice(0, depth);
  const strides = leading.map((_, dim) => sizeOf(leading.slice(dim + 1)));
  const sizes = tensor([...leading], { dtype: 'int32', device: indices.device });
  const inside = where(less(indices, 0), add(indices, sizes), indices);
  const scaled = mul(inside, tensor(strides, { dtype: 'int32', device: indices.device }));
  return { rows: sizeOf(leading), index: cast(sum(scaled, -1), 'int32') };
}

function gatherRows(call: OnnxCall): Tensor {
  const [x, indices] = [call.input(0), call.input(1)];
  if (call.int('batch_dims', 0) !== 0) throw new Missing('ONNX GatherND with batch_dims');
  const { rows, index } = flatPositions(x.shape, indices);
  return indexSelect(reshape(x, [rows, ...x.shape.slice(indices.shape.at(-1))]), 0, index);
}

/** Updates in place of the elements they name; the library scatters by adding. */
function scatterElements(call: OnnxCall): Tensor {
  const [x, index, source] = [call.input(0), call.input(1), call.input(2)];
  const reduction = call.text('reduction', 'none');
  const axis = call.int('axis', 0);
  const dim = axis < 0 ? axis + x.rank : axis;
  const size = x.shape[dim] as number;
  const positions = fromFront(index, size);
  const scatter = (values: Tensor): Tensor =>
    dispatch('scatterAdd', { index: positions, source: values }, { dim, size });
  if (reduction === 'add') return add(x, scatter(source));
  if (reduction !== 'none') throw new Missing(`scatter by ${reduction}`);
  return where(greater(scatter(onesLike(source)), 0), scatter(source), x);
}

function scatterRows(call: OnnxCall): Tensor {
  const reduction = call.text('reduction', 'none');
  throw new Missing(`scatter by ${reduction}`);
}

function oneHot(call: OnnxCall): Tensor {
  const [off, on] = call.numbers(2) as [number, number];
  const depth = call.numbers(1)?.[0] as number;
  const index = fromFront(call.input(0), depth);
  const axis = call.int('axis', -1);
  const dim = axis < 0 ? axis + index.rank + 1 : axis;
  const shape = Array.from({ length: index.rank + 1 }, (_, d) => (d === dim ? depth : 1));
  const isHot = equal(unsqueeze(index, dim), reshape(arange(depth, { device: call.device }), shape));
  const values = call.input(2);
  return where(isHot, full([], on, values), full([], off, values));
}

/** Row and column numbers of a matrix, which broadcast to it. */
function grid({ shape, device }: Tensor): { row: Tensor; column: Tensor } {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return { row: unsqueeze(arange(rows, { device }), 1), column: arange(columns, { device }) };
}

function triangle(call: OnnxCall): Tensor {
  const x = call.input(0);
  const [offset = 0] = call.numbers(1) ?? [];
  const { row, column } = grid(x);
  const diagonal = add(row, offset);
  const isKept = call.int('upper', 1) === 1 ? greaterEqual(column, diagonal) : lessEqual(column, diagonal);
  return where(isKept, x, 0);
}

function eyeLike(call: OnnxCall): Tensor {
  const { row, column } = grid(call.input(0));
  return cast(equal(column, add(row, call.int('k', 0))), dtypeOfElementType(call.int('dtype', 1)));
}

function range(call: OnnxCall): Tensor {
  const [start, limit, delta] = [0, 1, 2].map((at) => call.numbers(at)?.[0]) as [number, number, number];
  return arange(start, limit, delta, { dtype: call.input(0).dtype, device: call.device });
}

/** Operators that read or write by index, or make tensors from positions, by name. */
export const indexingOps: Readonly<Record<string, OnnxOp>> = {
  EyeLike: eyeLike,
  Gather: gatherSlices,
  GatherElements: gatherElements,
  GatherND: gatherRows,
  OneHot: oneHot,
  Range: range,
  ScatterElements: scatterElements,
  ScatterND: scatterRows,
  Trilu: triangle,
};
