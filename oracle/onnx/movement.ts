import {
  broadcastShapes,
  concat,
  expand,
  flip,
  full,
  type PadOptions,
  pad,
  permute,
  pixelShuffle,
  reshape,
  type SliceRange,
  sizeOf,
  slice,
  split,
  squeeze,
  type Tensor,
  tensor,
  unsqueeze,
} from '@halfgrad/core';
import { Missing } from '../suite.ts';
import type { OnnxCall, OnnxOp } from './graph.ts';
import { dtypeOf, valuesOf } from './tensors.ts';

/** Axes are an attribute before opset 13, and an input since. */
const axesOf = (call: OnnxCall): readonly number[] | undefined => call.ints('axes') ?? call.numbers(1);

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

function reshapeTo(call: OnnxCall): Tensor {
  const x = call.input(0);
  const shape = call.ints('shape') ?? call.numbers(1) ?? [];
  const keepsZero = call.int('allowzero', 0) === 1;
  return reshape(
    x,
    shape.map((size, dim) => (size === 0 && !keepsZero ? (x.shape[dim] as number) : size)),
  );
}

function flatten(call: OnnxCall): Tensor {
  const x = call.input(0);
  const axis = positive(call.int('axis', 1), x.rank);
  return reshape(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
}

function unsqueezeAll(call: OnnxCall): Tensor {
  const x = call.input(0);
  const axes = axesOf(call) ?? [];
  const rank = x.rank + axes.length;
  return axes
    .map((axis) => positive(axis, rank))
    .sort((a, b) => a - b)
    .reduce(unsqueeze, x);
}

/** The ranges of one axis; a negative step walks backwards, from `start` down to just above `end`. */
function sliceAxis(x: Tensor, axis: number, start: number, end: number, step: number): Tensor {
  const dim = positive(axis, x.rank);
  const only = (range: SliceRange): readonly SliceRange[] => x.shape.map((_, d) => (d === dim ? range : {}));
  if (step > 0) return slice(x, only({ start, end, step }));
  const size = x.shape[dim] as number;
  const clamped = (at: number): number => Math.min(Math.max(at < 0 ? at + size : at, -1), size - 1);
  return slice(flip(x, dim), only({ start: size - 1 - clamped(start), end: size - 1 - clamped(end), step: -step }));
}

function sliceAll(call: OnnxCall): Tensor {
  const [starts = [], ends = [], axes, steps] = [1, 2, 3, 4].map((at) => call.numbers(at));
  return starts.reduce(
    (x, start, i) => sliceAxis(x, axes?.[i] ?? i, start, ends[i] as number, steps?.[i] ?? 1),
    call.input(0),
  );
}

function splitAll(call: OnnxCall): readonly Tensor[] {
  const x = call.input(0);
  const axis = call.int('axis', 0);
  const parts = call.int('num_outputs', call.outputs);
  const sizes = call.ints('split') ?? call.numbers(1) ?? Math.ceil((x.shape.at(axis) as number) / parts);
  return split(x, sizes, axis);
}

/** ONNX lists all amounts in front, then all behind; the library pairs them, from the last dimension backwards. */
export function pairs(low: readonly number[], high: readonly number[]): number[] {
  return low.flatMap((_, i) => [low.at(-1 - i) as number, high.at(-1 - i) as number]);
}

/** The library's names, which are PyTorch's. */
const padModes: Readonly<Record<string, NonNullable<PadOptions['mode']>>> = {
  constant: 'constant',
  edge: 'replicate',
  reflect: 'reflect',
  wrap: 'circular',
};

function padAll(call: OnnxCall): Tensor {
  const x = call.input(0);
  const amounts = call.ints('pads') ?? call.numbers(1) ?? [];
  const axes = call.numbers(3) ?? x.shape.map((_, dim) => dim);
  const [low, high] = [x.shape.map(() => 0), x.shape.map(() => 0)];
  axes.forEach((axis, i) => {
    low[positive(axis, x.rank)] = amounts[i] as number;
    high[positive(axis, x.rank)] = amounts[axes.length + i] as number;
  });
  const value = call.numbers(2)?.[0] ?? call.float('value', 0);
  const mode = padModes[call.text('mode', 'constant')];
  if (!mode) throw new Missing(`ONNX Pad in mode ${call.text('mode', '')}`);
  return pad(x, pairs(low, high), { mode, value });
}

/** Blocks of channels become squares of pixels; `CRD` is PyTorch's order, `DCR` has the channels innermost. */
function depthToSpace(call: OnnxCall): Tensor {
  const x = call.input(0);
  const b = call.int('blocksize', 1);
  if (call.text('mode', 'DCR') === 'CRD') return pixelShuffle(x, b);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const blocks = permute(reshape(x, [n, b, b, c / b ** 2, h, w]), [0, 3, 4, 1, 5, 2]);
  return reshape(blocks, [n, c / b ** 2, h * b, w * b]);
}

function spaceToDepth(call: OnnxCall): Tensor {
  const x = call.input(0);
  const b = call.int('blocksize', 1);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  return reshape(permute(reshape(x, [n, c, h / b, b, w / b, b]), [0, 3, 5, 1, 2, 4]), [n, c * b ** 2, h / b, w / b]);
}

function shapeOf(call: OnnxCall): Tensor {
  const { shape, device } = call.input(0);
  return tensor([...shape.slice(call.int('start', 0), call.int('end', shape.length))], { dtype: 'int32', device });
}

function constantOfShape(call: OnnxCall): Tensor {
  const value = call.attribute('value');
  const recorded =
    typeof value === 'object' && 'tensor' in value ? value.tensor : { dtype: 'float', shape: [1], data: [0] };
  const [fill = 0] = valuesOf(recorded);
  return full(call.numbers(0) ?? [], fill, { dtype: dtypeOf(recorded.dtype), device: call.device });
}

/** Operators that move elements or make constants, by name. */
export const movementOps: Readonly<Record<string, OnnxOp>> = {
  Concat: (call) => concat(call.inputs, call.int('axis', 0)),
  ConstantOfShape: constantOfShape,
  DepthToSpace: depthToSpace,
  Expand: (call) => expand(call.input(0), broadcastShapes(call.input(0).shape, call.numbers(1) ?? []) ?? []),
  Flatten: flatten,
  Pad: padAll,
  Reshape: reshapeTo,
  Shape: shapeOf,
  Size: (call) => tensor(call.input(0).size, { dtype: 'int32', device: call.device }),
  Slice: sliceAll,
  SpaceToDepth: spaceToDepth,
  Split: splitAll,
  Squeeze: (call) => squeeze(call.input(0), axesOf(call)),
  Transpose: (call) => permute(call.input(0), call.ints('perm') ?? call.input(0).shape.map((_, i) => -1 - i)),
  Unsqueeze: unsqueezeAll,
};
