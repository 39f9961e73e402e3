import {
  abs,
  acosh,
  add,
  asin,
  asinh,
  atan,
  atanh,
  cast,
  ceil,
  celu,
  clamp,
  cos,
  cosh,
  type DType,
  dispatch,
  div,
  elu,
  equal,
  erf,
  exp,
  floor,
  fmod,
  gelu,
  greater,
  greaterEqual,
  isFloat,
  isFloat8,
  isInf,
  isNaN,
  leakyRelu,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  prelu,
  reciprocal,
  relu,
  remainder,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  sub,
  type Tensor,
  tanh,
  threshold,
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

/** Before opset 7 the slopes of several channels are a plain list; since then they broadcast. */
function slopes(call: OnnxCall): Tensor {
  const [x, weight] = [call.input(0), call.input(1)];
  return call.opset < 7 ? prelu(x, weight) : dispatch('prelu', { x, weight });
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
  if (positive && negative) return isInf(x);
  return equal(x, positive ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY);
}

/** Saturation is a matter of 8-bit floats; everything else overflows. */
function convert(call: OnnxCall): Tensor {
  const dtype = dtypeOfElementType(call.int('to', 1));
  return cast(call.input(0), dtype, isFloat8(dtype) ? { saturate: call.int('saturate', 1) === 1 } : {});
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

  Mod: (call) => (call.int('fmod', 0) ? fmod : remainder)(call.input(0), call.input(1)),

  And: binary(logicalAnd),
  Or: binary(logicalOr),
  Xor: binary(logicalXor),
  Equal: binary(equal),
  Less: binary(less),
  LessOrEqual: binary(lessEqual),
  Greater: binary(greater),
  GreaterOrEqual: binary(greaterEqual),
  IsNaN: unary(isNaN),
  IsInf: isInfinite,

  Abs: unary(abs),
  Acosh: unary(acosh),
  Asin: unary(asin),
  Asinh: unary(asinh),
  Atan: unary(atan),
  Atanh: unary(atanh),
  Ceil: unary(ceil),
  Cos: unary(cos),
  Cosh: unary(cosh),
  Erf: unary(erf),
  Exp: unary(exp),
  Floor: unary(floor),
  Identity: unary((x) => x),
  Log: unary(log),
  Neg: unary(neg),
  Reciprocal: unary(reciprocal),
  Sign: unary(sign),
  Sin: unary(sin),
  Sqrt: unary(sqrt),
  Tanh: unary(tanh),

  Celu: (call) => celu(call.input(0), { alpha: call.float('alpha', 1) }),
  Clip: clip,
  Elu: (call) => elu(call.input(0), { alpha: call.float('alpha', 1) }),
  Gelu: (call) => gelu(call.input(0), { approximate: call.text('approximate', 'none') === 'tanh' ? 'tanh' : 'none' }),
  HardSigmoid: (call) =>
    clamp(add(mul(call.input(0), call.float('alpha', 0.2)), call.float('beta', 0.5)), { min: 0, max: 1 }),
  LeakyRelu: (call) => leakyRelu(call.input(0), { negativeSlope: call.float('alpha', 0.01) }),
  PRelu: slopes,
  Relu: unary(relu),
  Selu: (call) =>
    mul(
      elu(call.input(0), { alpha: call.float('alpha', 1.6732632423543772) }),
      call.float('gamma', 1.0507009873554805),
    ),
  Shrink: shrink,
  Sigmoid: unary(sigmoid),
  Softplus: unary((x) => softplus(x)),
  ThresholdedRelu: (call) => threshold(call.input(0), call.float('alpha', 1), 0),

  Cast: convert,
};
