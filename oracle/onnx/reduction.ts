import {
  amax,
  argmax,
  cast,
  equal,
  flip,
  log,
  logSoftmax,
  logsumexp,
  mean,
  neg,
  norm,
  normalize,
  reshape,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
} from '@halfgrad/core';
import type { OnnxCall, OnnxOp } from './graph.ts';

type Reduce = (x: Tensor, dims: readonly number[], options: { readonly keepDim: boolean }) => Tensor;

/** Axes are an attribute or the second input; none means all of them, or with a flag none at all. */
const reduction =
  (reduce: Reduce): OnnxOp =>
  (call) => {
    const x = call.input(0);
    const axes = call.ints('axes') ?? call.numbers(1) ?? [];
    const isIdentity = axes.length === 0 && call.int('noop_with_empty_axes', 0) === 1;
    if (isIdentity) return x;
    const dims = axes.length > 0 ? axes : x.shape.map((_, dim) => dim);
    return reduce(x, dims, { keepDim: call.int('keepdims', 1) === 1 });
  };

function amin(x: Tensor, dims: readonly number[], options: { readonly keepDim: boolean }): Tensor {
  if (x.dtype === 'bool') return cast(amin(cast(x, 'int32'), dims, options), 'bool');
  return neg(amax(neg(x), dims, options));
}

/** The first position of the maximum, or the last one: the first of the reversed. */
function argExtreme(call: OnnxCall, x: Tensor): Tensor {
  const dim = call.int('axis', 0);
  const options = { keepDim: call.int('keepdims', 1) === 1 };
  if (call.int('select_last_index', 0) === 0) return argmax(x, dim, options);
  const last = (x.shape.at(dim) as number) - 1;
  return sub(last, argmax(flip(x, dim), dim, options));
}

/** Before opset 13 everything from `axis` on is one dimension. */
function alongAxis(call: OnnxCall, op: (x: Tensor, dim: number) => Tensor): Tensor {
  const x = call.input(0);
  if (call.opset >= 13) return op(x, call.int('axis', -1));
  const axis = call.int('axis', 1);
  const at = axis < 0 ? axis + x.rank : axis;
  const rows = x.shape.slice(0, at).reduce((a, b) => a * b, 1);
  return reshape(op(reshape(x, [rows, -1]), 1), x.shape);
}

/** 1 at the first maximum, 0 elsewhere. */
function hardmax(x: Tensor, dim: number): Tensor {
  const positions = Array.from({ length: x.shape.at(dim) as number }, (_, i) => i);
  const shape = x.shape.map((size, d) => (d === (dim < 0 ? dim + x.rank : dim) ? size : 1));
  const index = tensor(positions, { dtype: 'int32', device: x.device }).reshape(shape);
  return cast(equal(argmax(x, dim, { keepDim: true }), index), x.dtype);
}

/** Reductions and what runs along an axis, by name. */
export const reductionOps: Readonly<Record<string, OnnxOp>> = {
  ReduceSum: reduction((x, dims, options) => sum(x, dims, options)),
  ReduceMean: reduction(mean),
  ReduceMax: reduction(amax),
  ReduceMin: reduction(amin),
  ReduceL1: reduction((x, dims, options) => norm(x, 1, dims, options)),
  ReduceL2: reduction((x, dims, options) => norm(x, 2, dims, options)),
  ReduceLogSum: reduction((x, dims, options) => log(sum(x, dims, options))),
  ReduceLogSumExp: reduction(logsumexp),
  ReduceSumSquare: reduction((x, dims, options) => sum(square(x), dims, options)),

  ArgMax: (call) => argExtreme(call, call.input(0)),
  ArgMin: (call) => argExtreme(call, neg(call.input(0))),
  Softmax: (call) => alongAxis(call, softmax),
  LogSoftmax: (call) => alongAxis(call, logSoftmax),
  Hardmax: (call) => alongAxis(call, hardmax),
  LpNormalization: (call) => normalize(call.input(0), { p: call.int('p', 2), dim: call.int('axis', -1) }),
};
