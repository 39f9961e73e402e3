import {
  abs,
  add,
  cast,
  clamp,
  div,
  equal,
  exp,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  relu,
  sigmoid,
  sqrt,
  sub,
  type Tensor,
  tanh,
  where,
} from '@halfgrad/core';
import { Missing } from '../suite.ts';
import type { WebnnCall, WebnnOp } from './graph.ts';
import { dtypeOf } from './tensors.ts';

const unary =
  (op: (x: Tensor) => Tensor): WebnnOp =>
  (call) =>
    op(call.input('input'));

const binary =
  (op: (a: Tensor, b: Tensor) => Tensor): WebnnOp =>
  (call) =>
    op(call.input('a'), call.input('b'));

/** Truth values are uint8 in WebNN. */
const comparison = (op: (a: Tensor, b: Tensor) => Tensor): WebnnOp => binary((a, b) => cast(op(a, b), 'uint8'));

function hardSigmoid(x: Tensor, alpha: number, beta: number): Tensor {
  return clamp(add(mul(x, alpha), beta), { min: 0, max: 1 });
}

function limit(call: WebnnCall): Tensor {
  const [min, max] = [
    call.number('minValue', Number.NEGATIVE_INFINITY),
    call.number('maxValue', Number.POSITIVE_INFINITY),
  ];
  if (Number.isNaN(min) || Number.isNaN(max)) throw new Missing('clamp to NaN');
  return clamp(call.input('input'), { min, max });
}

function elu(call: WebnnCall): Tensor {
  const x = call.input('input');
  return where(greater(x, 0), x, mul(sub(exp(minimum(x, 0)), 1), call.number('alpha', 1)));
}

function leakyRelu(call: WebnnCall): Tensor {
  const x = call.input('input');
  return where(less(x, 0), mul(x, call.number('alpha', 0.01)), x);
}

/** Methods on elements, by name. */
export const elementwiseOps: Readonly<Record<string, WebnnOp>> = {
  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(div),
  max: binary(maximum),
  min: binary(minimum),
  pow: binary(pow),
  equal: comparison(equal),
  greater: comparison(greater),
  greaterOrEqual: comparison(greaterEqual),
  lesser: comparison(less),
  lesserOrEqual: comparison(lessEqual),
  logicalNot: (call) => cast(equal(call.input('a'), 0), 'uint8'),

  abs: unary(abs),
  exp: unary(exp),
  log: unary(log),
  neg: unary(neg),
  relu: unary(relu),
  sigmoid: unary(sigmoid),
  sqrt: unary(sqrt),
  tanh: unary(tanh),

  clamp: limit,
  elu,
  hardSigmoid: (call) => hardSigmoid(call.input('input'), call.number('alpha', 0.2), call.number('beta', 0.5)),
  hardSwish: unary((x) => mul(x, hardSigmoid(x, 1 / 6, 0.5))),
  leakyRelu,
  linear: (call) => add(mul(call.input('input'), call.number('alpha', 1)), call.number('beta', 0)),
  cast: (call) => cast(call.input('input'), dtypeOf(call.text('type', 'float32'))),
};
