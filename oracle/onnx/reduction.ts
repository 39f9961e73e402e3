import {
  amax,
  amin,
  argmax,
  argmin,
  cast,
  concat,
  cumprod,
  cumsum,
  equal,
  flip,
  full,
  log,
  logSoftmax,
  logsumexp,
  mean,
  narrow,
  norm,
  normalize,
  prod,
  reshape,
  softmax,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  topk,
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

/** The first position of an extremum, or the last one: the first of the reversed. */
function position(call: OnnxCall, find: typeof argmax): Tensor {
  const x = call.input(0);
  const dim = call.int('axis', 0);
  const options = { keepDim: call.int('keepdims', 1) === 1 };
  if (call.int('select_last_index', 0) === 0) return find(x, dim, options);
  const last = (x.shape.at(dim) as number) - 1;
  return sub(last, find(flip(x, dim), dim, options));
}

/** Running results; exclusive ones leave out their own element and begin with `start`. */
function running(call: OnnxCall, run: (x: Tensor, dim: number) => Tensor, start: number): Tensor {
  const x = call.input(0);
  const [axis = 0] = call.numbers(1) ?? [];
  const dim = axis < 0 ? axis + x.rank : axis;
  const isReverse = call.int('reverse', 0) === 1;
  const forward = isReverse ? flip(x, dim) : x;
  const shifted = call.int('exclusive', 0) === 1 ? delayed(forward, dim, start) : forward;
  return isReverse ? flip(run(shifted, dim), dim) : run(shifted, dim);
}

/** Every element one position later, the last one gone, `value` in front. */
function delayed(x: Tensor, dim: number, value: number): Tensor {
  const first = full(
    x.shape.map((size, d) => (d === dim ? 1 : size)),
    value,
    x,
  );
  return concat([first, narrow(x, dim, 0, (x.shape[dim] as number) - 1)], dim);
}

function largest(call: OnnxCall): readonly Tensor[] {
  const [k = 1] = call.numbers(1) ?? [];
  const { values, indices } = topk(call.input(0), k, call.int('axis', -1), { largest: call.int('largest', 1) === 1 });
  return [values, indices];
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
  ReduceProd: reduction((x, dims, options) => prod(x, dims, options)),
  ReduceL1: reduction((x, dims, options) => norm(x, 1, dims, options)),
  ReduceL2: reduction((x, dims, options) => norm(x, 2, dims, options)),
  ReduceLogSum: reduction((x, dims, options) => log(sum(x, dims, options))),
  ReduceLogSumExp: reduction(logsumexp),
  ReduceSumSquare: reduction((x, dims, options) => sum(square(x), dims, options)),

  ArgMax: (call) => position(call, argmax),
  ArgMin: (call) => position(call, argmin),
  CumProd: (call) => running(call, cumprod, 1),
  CumSum: (call) => running(call, cumsum, 0),
  TopK: largest,
  Softmax: (call) => alongAxis(call, softmax),
  LogSoftmax: (call) => alongAxis(call, logSoftmax),
  Hardmax: (call) => alongAxis(call, hardmax),
  LpNormalization: (call) => normalize(call.input(0), { p: call.int('p', 2), dim: call.int('axis', -1) }),
};
