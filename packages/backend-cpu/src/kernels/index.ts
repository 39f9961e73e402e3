import type { Kernels } from '@halfgrad/core';
import type { HostTensor } from '../host-tensor.ts';
import * as convolution from './convolution.ts';
import * as elementwise from './elementwise.ts';
import { erf } from './erf.ts';
import * as indexing from './indexing.ts';
import { compare, eachPair, map, zip } from './map.ts';
import * as matmul from './matmul.ts';
import * as movement from './movement.ts';
import * as normalization from './normalization.ts';
import * as pooling from './pooling.ts';
import * as reduction from './reduction.ts';
import * as softmax from './softmax.ts';

/** Table 3 of 5: the reference implementation of every op. */
export const kernels: Kernels<HostTensor> = {
  add: zip(elementwise.addRow, { bool: eachPair((a, b) => a | b) }),
  sub: zip(elementwise.subRow),
  mul: zip(elementwise.mulRow, { integer: eachPair(Math.imul) }),
  div: zip(elementwise.divRow),
  pow: zip(eachPair(elementwise.pow), { integer: eachPair(elementwise.integerPow) }),
  maximum: zip(eachPair(elementwise.maximum)),
  minimum: zip(eachPair(elementwise.minimum)),
  equal: compare(eachPair((a, b) => (a === b ? 1 : 0))),
  notEqual: compare(eachPair((a, b) => (a === b ? 0 : 1))),
  less: compare(eachPair((a, b) => (a < b ? 1 : 0))),
  lessEqual: compare(eachPair((a, b) => (a <= b ? 1 : 0))),
  greater: compare(eachPair((a, b) => (a > b ? 1 : 0))),
  greaterEqual: compare(eachPair((a, b) => (a >= b ? 1 : 0))),
  where: elementwise.where,

  neg: map((x) => -x),
  abs: map(Math.abs),
  sign: map(Math.sign),
  exp: map(Math.exp),
  log: map(Math.log),
  sqrt: map(Math.sqrt),
  rsqrt: map((x) => 1 / Math.sqrt(x)),
  reciprocal: map((x) => 1 / x),
  sin: map(Math.sin),
  cos: map(Math.cos),
  erf: map(erf),
  tanh: map(Math.tanh),
  tanhGrad: elementwise.tanhGrad,
  sigmoid: map(elementwise.sigmoid),
  sigmoidGrad: elementwise.sigmoidGrad,
  softplus: elementwise.softplus,
  relu: elementwise.relu,
  reluGrad: elementwise.reluGrad,
  gelu: elementwise.gelu,
  geluGrad: elementwise.geluGrad,
  clamp: elementwise.clamp,
  isFinite: elementwise.isFinite,
  cast: elementwise.cast,
  dropout: elementwise.dropout,

  reshape: movement.reshape,
  permute: movement.permute,
  expand: movement.expand,
  slice: movement.slice,
  pad: movement.pad,
  concat: movement.concat,
  flip: movement.flip,

  indexSelect: indexing.indexSelect,
  indexAdd: indexing.indexAdd,
  gather: indexing.gather,
  scatterAdd: indexing.scatterAdd,

  sum: reduction.sum,
  mean: reduction.reduce(reduction.meanRow),
  variance: reduction.variance,
  amax: reduction.reduce(reduction.maxRow),
  argmax: reduction.argmax,
  softmax: softmax.softmax,
  softmaxGrad: softmax.softmaxGrad,
  logSoftmax: softmax.logSoftmax,
  logSoftmaxGrad: softmax.logSoftmaxGrad,

  matmul: matmul.matmul,
  linear: matmul.linear,
  convolution: convolution.convolution,
  convolutionInputGrad: convolution.convolutionInputGrad,
  convolutionWeightGrad: convolution.convolutionWeightGrad,

  maxPool: pooling.maxPool,
  avgPool: pooling.avgPool,
  avgPoolGrad: pooling.avgPoolGrad,

  layerNorm: normalization.layerNorm,
  layerNormGrad: normalization.layerNormGrad,
  batchNorm: normalization.batchNorm,
  batchNormGrad: normalization.batchNormGrad,

  nllLoss: 'decomposed',
  crossEntropy: 'decomposed',
  mseLoss: 'decomposed',
  binaryCrossEntropy: 'decomposed',
  binaryCrossEntropyWithLogits: 'decomposed',
};
