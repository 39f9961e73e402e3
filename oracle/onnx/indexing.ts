import {
  add,
  arange,
  cast,
  equal,
  full,
  gather,
  index,
  indexSelect,
  less,
  movedim,
  oneHot,
  scatter,
  scatterAdd,
  type Tensor,
  tril,
  triu,
  unbind,
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

function gatherRows(call: OnnxCall): Tensor {
  if (call.int('batch_dims', 0) !== 0) throw new Missing('ONNX GatherND with batch_dims');
  return index(call.input(0), ...unbind(call.input(1), -1));
}

function scatterElements(call: OnnxCall): Tensor {
  const [x, indices, source] = [call.input(0), call.input(1), call.input(2)];
  const reduction = call.text('reduction', 'none');
  const axis = call.int('axis', 0);
  const positions = fromFront(indices, x.shape.at(axis) as number);
  if (reduction === 'add') return scatterAdd(x, axis, positions, source);
  if (reduction !== 'none') throw new Missing(`scatter by ${reduction}`);
  return scatter(x, axis, positions, source);
}

function scatterRows(call: OnnxCall): Tensor {
  const reduction = call.text('reduction', 'none');
  throw new Missing(`scatter by ${reduction}`);
}

/** The library's new dimension is the last; ONNX's is anywhere. */
function oneHotAlong(call: OnnxCall): Tensor {
  const depth = call.numbers(1)?.[0] as number;
  const [off, on] = call.numbers(2) as [number, number];
  const hot = oneHot(cast(fromFront(call.input(0), depth), 'int32'), depth);
  const values = call.input(2);
  return where(cast(movedim(hot, -1, call.int('axis', -1)), 'bool'), full([], on, values), full([], off, values));
}

/** Row and column numbers of a matrix, which broadcast to it. */
function grid({ shape, device }: Tensor): { row: Tensor; column: Tensor } {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return { row: unsqueeze(arange(rows, { device }), 1), column: arange(columns, { device }) };
}

function triangle(call: OnnxCall): Tensor {
  const [offset = 0] = call.numbers(1) ?? [];
  return (call.int('upper', 1) === 1 ? triu : tril)(call.input(0), offset);
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
  OneHot: oneHotAlong,
  Range: range,
  ScatterElements: scatterElements,
  ScatterND: scatterRows,
  Trilu: triangle,
};
