import {
  abs,
  add,
  cast,
  ceil,
  clamp,
  div,
  elu,
  equal,
  exp,
  floor,
  greater,
  greaterEqual,
  hardswish,
  leakyRelu,
  less,
  lessEqual,
  log,
  logicalNot,
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

function limit(call: WebnnCall): Tensor {
  const [min, max] = [
    call.number('minValue', Number.NEGATIVE_INFINITY),
    call.number('maxValue', Number.POSITIVE_INFINITY),
  ];
  if (Number.isNaN(min) || Number.isNaN(max)) throw new Missing('clamp to NaN');
  return clamp(call.input('input'), { min, max });
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
  logicalNot: (call) => cast(logicalNot(call.input('a')), 'uint8'),

  abs: unary(abs),
  ceil: unary(ceil),
  exp: unary(exp),
  floor: unary(floor),
  log: unary(log),
  neg: unary(neg),
  relu: unary(relu),
  sigmoid: unary(sigmoid),
  sqrt: unary(sqrt),
  tanh: unary(tanh),

  clamp: limit,
  elu: (call) => elu(call.input('input'), { alpha: call.number('alpha', 1) }),
  hardSigmoid: (call) =>
    clamp(add(mul(call.input('input'), call.number('alpha', 0.2)), call.number('beta', 0.5)), { min: 0, max: 1 }),
  hardSwish: unary(hardswish),
  leakyRelu: (call) => leakyRelu(call.input('input'), { negativeSlope: call.number('alpha', 0.01) }),
  linear: (call) => add(mul(call.input('input'), call.number('alpha', 1)), call.number('beta', 0)),
  cast: (call) => cast(call.input('input'), dtypeOf(call.text('type', 'float32'))),
};
