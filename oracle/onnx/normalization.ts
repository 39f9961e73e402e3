import {
  add,
  batchNorm,
  cast,
  dropout,
  instanceNorm,
  layerNorm,
  localResponseNorm,
  mean,
  onesLike,
  rsqrt,
  type Tensor,
  variance,
} from '@halfgrad/core';
import { Missing } from '../suite.ts';
import type { OnnxCall, OnnxOp } from './graph.ts';

function batchNormalization(call: OnnxCall): Tensor {
  const [x, weight, bias, runningMean, runningVar] = call.inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
  if (call.int('training_mode', 0) === 1) throw new Missing('ONNX BatchNormalization in training');
  return batchNorm(x, { weight, bias, runningMean, runningVar, eps: call.float('epsilon', 1e-5) }).out;
}

function layerNormalization(call: OnnxCall): readonly Tensor[] {
  const x = call.input(0);
  const axis = call.int('axis', -1);
  const eps = call.float('epsilon', 1e-5);
  const dims = x.shape.map((_, dim) => dim).slice(axis);
  const out = layerNorm(x, x.shape.slice(axis), { weight: call.input(1), bias: call.optional(2), eps });
  const spread = variance(x, dims, { keepDim: true, correction: 0 });
  return [out, mean(x, dims, { keepDim: true }), rsqrt(add(spread, eps))];
}

/** The identity, unless the third input asks for training. */
function dropoutLike(call: OnnxCall): readonly Tensor[] {
  const x = call.input(0);
  const [ratio = 0.5] = call.numbers(1) ?? [];
  const isTraining = call.numbers(2)?.[0] === 1;
  if (isTraining && ratio > 0) throw new Missing("draws of NumPy's generator");
  return [dropout(x, ratio, { training: isTraining }), cast(onesLike(x), 'bool')];
}

/** Normalisations and dropout, by name. */
export const normalizationOps: Readonly<Record<string, OnnxOp>> = {
  BatchNormalization: batchNormalization,
  Dropout: dropoutLike,
  InstanceNormalization: (call) =>
    instanceNorm(call.input(0), {
      weight: call.input(1),
      bias: call.input(2),
      eps: call.float('epsilon', 1e-5),
    }),
  LRN: (call) =>
    localResponseNorm(call.input(0), call.int('size', 1), {
      alpha: call.float('alpha', 0.0001),
      beta: call.float('beta', 0.75),
      k: call.float('bias', 1),
    }),
  LayerNormalization: layerNormalization,
};
