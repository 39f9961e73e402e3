import {
  abs,
  add,
  cast,
  clamp,
  cos,
  type DType,
  div,
  equal,
  erf,
  exp,
  gelu,
  greater,
  greaterEqual,
  isFloat,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  pow,
  reciprocal,
  relu,
  reshape,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  sub,
  type Tensor,
  tanh,
  where,
} from '@halfgrad/core';
import type { OnnxCall, OnnxOp } from './graph.ts';
import { dtypeOfElementType } from './tensors.ts';

const unary =
  (op: (x: Tensor) => Tensor): OnnxOp =>
  (call) =>
    op(call.input(0));

const binary =
  (op: (a: Tensor, b: Tensor) => Tensor): OnnxOp =>
  (call) =>
    op(call.input(0), call.input(1));

const variadic =
  (op: (a: Tensor, b: Tensor) => Tensor): OnnxOp =>
  ({ inputs }) =>
    inputs.reduce(op);

/** Integers divide as integers in ONNX: towards zero. */
function quotient(a: Tensor, b: Tensor): Tensor {
  return isFloat(a.dtype) ? div(a, b) : cast(div(cast(a, 'float64'), b), a.dtype);
}

function elu(x: Tensor, alpha: number): Tensor {
  return where(greater(x, 0), x, mul(sub(exp(minimum(x, 0)), 1), alpha));
}

function selu(call: OnnxCall): Tensor {
  const [alpha, gamma] = [call.float('alpha', 1.6732632423543772), call.float('gamma', 1.0507009873554805)];
  return mul(elu(call.input(0), alpha), gamma);
}

function celu(call: OnnxCall): Tensor {
  const alpha = call.float('alpha', 1);
  const x = call.input(0);
  return where(greater(x, 0), x, mul(sub(exp(div(minimum(x, 0), alpha)), 1), alpha));
}

/** Before opset 7 the slopes of several channels are a plain list, which belongs to dimension 1. */
function prelu(call: OnnxCall): Tensor {
  const [x, slope] = [call.input(0), call.input(1)];
  const perChannel = call.opset < 7 && slope.size > 1;
  const slopes = perChannel ? reshape(slope, [-1, ...x.shape.slice(2).map(() => 1)]) : slope;
  return where(less(x, 0), mul(x, slopes), x);
}

function clip(call: OnnxCall): Tensor {
  const [low, high] = [call.optional(1), call.optional(2)];
  const x = call.input(0);
  const raised = low ? maximum(x, low) : x;
  return high ? minimum(raised, high) : raised;
}

function shrink(call: OnnxCall): Tensor {
  const [x, bias, threshold] = [call.input(0), call.float('bias', 0), call.float('lambd', 0.5)];
  return where(less(x, -threshold), add(x, bias), where(greater(x, threshold), sub(x, bias), 0));
}

function isInfinite(call: OnnxCall): Tensor {
  const x = call.input(0);
  const [positive, negative] = [call.int('detect_positive', 1), call.int('detect_negative', 1)];
  if (positive && negative) return equal(abs(x), Number.POSITIVE_INFINITY);
  return equal(x, positive ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY);
}

function mean(call: OnnxCall): Tensor {
  return div(variadic(add)(call) as Tensor, call.inputs.length);
}

const to =
  (dtype: DType) =>
  (x: Tensor): Tensor =>
    cast(x, dtype);

/** Operators on elements, by name. */
export const elementwiseOps: Readonly<Record<string, OnnxOp>> = {
  Add: binary(add),
  Sub: binary(sub),
  Mul: binary(mul),
  Div: binary(quotient),
  Pow: (call) => to(call.input(0).dtype)(pow(call.input(0), call.input(1))),
  Max: variadic(maximum),
  Min: variadic(minimum),
  Sum: variadic(add),
  Mean: mean,

  And: binary(minimum),
  Or: binary(maximum),
  Xor: binary(notEqual),
  Equal: binary(equal),
  Less: binary(less),
  LessOrEqual: binary(lessEqual),
  Greater: binary(greater),
  GreaterOrEqual: binary(greaterEqual),
  IsNaN: unary((x) => notEqual(x, x)),
  IsInf: isInfinite,

  Abs: unary(abs),
  Cos: unary(cos),
  Cosh: unary((x) => mul(add(exp(x), exp(neg(x))), 0.5)),
  Erf: unary(erf),
  Exp: unary(exp),
  Identity: unary((x) => x),
  Log: unary(log),
  Neg: unary(neg),
  Reciprocal: unary(reciprocal),
  Sign: unary(sign),
  Sin: unary(sin),
  Sqrt: unary(sqrt),
  Tanh: unary(tanh),
  Acosh: unary((x) => log(add(x, sqrt(sub(mul(x, x), 1))))),
  Asinh: unary((x) => mul(sign(x), log(add(abs(x), sqrt(add(mul(x, x), 1)))))),
  Atanh: unary((x) => mul(log(div(add(x, 1), sub(1, x))), 0.5)),

  Celu: celu,
  Clip: clip,
  Elu: (call) => elu(call.input(0), call.float('alpha', 1)),
  Gelu: (call) => gelu(call.input(0), { approximate: call.text('approximate', 'none') === 'tanh' ? 'tanh' : 'none' }),
  HardSigmoid: (call) =>
    clamp(add(mul(call.input(0), call.float('alpha', 0.2)), call.float('beta', 0.5)), { min: 0, max: 1 }),
  LeakyRelu: (call) => where(less(call.input(0), 0), mul(call.input(0), call.float('alpha', 0.01)), call.input(0)),
  PRelu: prelu,
  Relu: unary(relu),
  Selu: selu,
  Shrink: shrink,
  Sigmoid: unary(sigmoid),
  Softplus: unary((x) => softplus(x)),
  ThresholdedRelu: (call) => where(greater(call.input(0), call.float('alpha', 1)), call.input(0), 0),

  Cast: (call) => cast(call.input(0), dtypeOfElementType(call.int('to', 1))),
};
