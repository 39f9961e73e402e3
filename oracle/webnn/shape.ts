import {
  add,
  clamp,
  concat,
  expand,
  indexSelect,
  less,
  permute,
  reshape,
  type SliceRange,
  slice,
  split,
  type Tensor,
  where,
} from '@halfgrad/core';
import type { WebnnCall, WebnnOp } from './graph.ts';

/** Negative indices count from the back; what lies outside is moved to the nearest end. */
function gather(call: WebnnCall): Tensor {
  const x = call.input('input');
  const axis = call.number('axis', 0);
  const size = x.shape[axis] as number;
  const index = call.input('indices').to('int32');
  const counted = where(less(index, 0), add(index, size), index);
  return indexSelect(x, axis, clamp(counted, { min: 0, max: size - 1 }));
}

function sliceOf(call: WebnnCall): Tensor {
  const [starts = [], sizes = [], strides] = ['starts', 'sizes', 'strides'].map((name) => call.numbers(name));
  const ranges = starts.map(
    (start, i): SliceRange => ({
      start,
      end: start + (sizes[i] as number),
      step: strides?.[i] ?? 1,
    }),
  );
  return slice(call.input('input'), ranges);
}

function splitAll(call: WebnnCall): readonly Tensor[] {
  const x = call.input('input');
  const axis = call.number('axis', 0);
  return split(x, call.numbers('splits') ?? (x.shape[axis] as number) / call.number('splits', 1), axis);
}

/** Methods that move elements, by name. */
export const shapeOps: Readonly<Record<string, WebnnOp>> = {
  concat: (call) => concat(call.inputs('inputs'), call.number('axis', 0)),
  expand: (call) => expand(call.input('input'), call.numbers('newShape') ?? []),
  gather,
  reshape: (call) => reshape(call.input('input'), call.numbers('newShape') ?? []),
  slice: sliceOf,
  split: splitAll,
  transpose: (call) => {
    const x = call.input('input');
    return permute(x, call.numbers('permutation') ?? x.shape.map((_, dim) => -1 - dim));
  },
};
