import { dtypeNames, type OpName } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import {
  addmms,
  convolutionInputGrads,
  convolutions,
  convolutionWeightGrads,
  linears,
  matmuls,
} from './arbitraries/contraction.ts';
import { cosineSimilarities, distances, rowDistances } from './arbitraries/distance.ts';
import {
  binary,
  glus,
  gradAndSaved,
  lerps,
  prelus,
  ternaryWithFactor,
  unary,
  unaryWith,
  wheres,
} from './arbitraries/elementwise.ts';
import { gathers, indexAdds, indexSelects, scatterAdds } from './arbitraries/indexing.ts';
import {
  binaryCrossEntropies,
  binaryCrossEntropiesWithLogits,
  crossEntropies,
  mseLosses,
  nllLosses,
  probabilityCrossEntropies,
} from './arbitraries/loss.ts';
import { concats, expands, flips, pads, permutes, reshapes, slices } from './arbitraries/movement.ts';
import {
  batchNormGrads,
  batchNorms,
  groupNorms,
  layerNormGrads,
  layerNorms,
  rmsNorms,
} from './arbitraries/normalization.ts';
import { elementwise, type OpSample } from './arbitraries/op-sample.ts';
import { avgPoolGrads, avgPools, maxPools } from './arbitraries/pooling.ts';
import {
  argmaxima,
  argsorts,
  cumulatives,
  deviations,
  logSums,
  maxima,
  means,
  norms,
  products,
  softmaxes,
  softmaxGrads,
  sums,
  variances,
} from './arbitraries/reduction.ts';
import {
  awayFromZero,
  betweenGridPoints,
  eighthsButZero,
  evenSixteenths,
  fractions,
  oddSixteenths,
  positive,
  reals,
  signedFractions,
  tied,
  unitsBeyond3,
} from './arbitraries/tensor.ts';

const approximations = fc.record({ approximate: fc.constantFrom('none' as const, 'tanh' as const) });

const bounds = fc.record({
  min: fc.constantFrom(-betweenGridPoints, Number.NEGATIVE_INFINITY),
  max: fc.constantFrom(betweenGridPoints, Number.POSITIVE_INFINITY),
});

/**
 * Table 5 of 5: arguments of every op, with all shapes, options and optional inputs that its shape rule allows.
 *
 * Values stay away from kinks and poles, so that finite differences can judge gradients; `withSpecialValues` puts
 * infinities and the like in.
 */
export const samples: { readonly [K in OpName]: Arbitrary<OpSample<K>> } = {
  add: binary(reals),
  sub: binary(reals),
  mul: binary(reals),
  div: binary(reals, awayFromZero),
  pow: binary(positive, reals),
  maximum: binary(evenSixteenths, oddSixteenths),
  minimum: binary(evenSixteenths, oddSixteenths),
  atan2: binary(awayFromZero, reals),
  fmod: binary(oddSixteenths, eighthsButZero),
  remainder: binary(oddSixteenths, eighthsButZero),
  equal: binary(tied),
  notEqual: binary(tied),
  less: binary(tied),
  lessEqual: binary(tied),
  greater: binary(tied),
  greaterEqual: binary(tied),
  where: wheres,
  lerp: lerps,
  addcmul: ternaryWithFactor(reals, reals),
  addcdiv: ternaryWithFactor(reals, awayFromZero),

  neg: unary(reals),
  abs: unary(awayFromZero),
  sign: unary(awayFromZero),
  exp: unary(reals),
  expm1: unary(reals),
  log: unary(positive),
  log1p: unary(signedFractions),
  log2: unary(positive),
  log10: unary(positive),
  sqrt: unary(positive),
  rsqrt: unary(positive),
  reciprocal: unary(awayFromZero),
  sin: unary(reals),
  cos: unary(reals),
  tan: unary(signedFractions),
  asin: unary(signedFractions),
  acos: unary(signedFractions),
  atan: unary(reals),
  sinh: unary(reals),
  cosh: unary(reals),
  asinh: unary(reals),
  acosh: unary(positive.map((x) => x + 1)),
  atanh: unary(signedFractions),
  floor: unary(oddSixteenths),
  ceil: unary(oddSixteenths),
  round: unary(oddSixteenths),
  trunc: unary(oddSixteenths),
  erf: unary(reals),
  tanh: unary(reals),
  tanhGrad: gradAndSaved(fractions).map(({ gradOut, saved }) => elementwise({ gradOut, out: saved }, undefined)),
  sigmoid: unary(reals),
  sigmoidGrad: gradAndSaved(fractions).map(({ gradOut, saved }) => elementwise({ gradOut, out: saved }, undefined)),
  softplus: unaryWith(
    reals,
    fc.record({ beta: fc.constantFrom(0.5, 1, 3), threshold: fc.constantFrom(20, betweenGridPoints) }),
  ),
  relu: unary(awayFromZero),
  reluGrad: gradAndSaved(awayFromZero).map(({ gradOut, saved }) => elementwise({ gradOut, out: saved }, undefined)),
  gelu: unaryWith(reals, approximations),
  geluGrad: fc
    .tuple(gradAndSaved(reals), approximations)
    .map(([{ gradOut, saved }, attrs]) => elementwise({ gradOut, x: saved }, attrs)),
  silu: unary(reals),
  mish: unary(reals),
  elu: unaryWith(
    awayFromZero,
    fc.record({ alpha: fc.constantFrom(0.5, 1), scale: fc.constantFrom(1, 1.25), inputScale: fc.constantFrom(1, 2) }),
  ),
  leakyRelu: unaryWith(awayFromZero, fc.record({ negativeSlope: fc.constantFrom(0, 0.01, 0.25) })),
  prelu: prelus,
  logSigmoid: unary(reals),
  glu: glus,
  hardtanh: unaryWith(reals, bounds),
  hardsigmoid: unary(unitsBeyond3),
  hardswish: unary(unitsBeyond3),
  softsign: unary(awayFromZero),
  tanhshrink: unary(reals),
  clamp: unaryWith(reals, bounds),
  isFinite: unary(reals),
  isNaN: unary(reals),
  isInf: unary(reals),
  cast: unaryWith(reals, fc.record({ dtype: fc.constantFrom(...dtypeNames) })),
  dropout: unaryWith(
    reals,
    fc.record({ p: fc.constantFrom(0, 0.25, 0.5, 1), seed: fc.nat(1000), offset: fc.nat(1000) }),
  ),

  reshape: reshapes,
  permute: permutes,
  expand: expands,
  slice: slices,
  pad: pads,
  concat: concats,
  flip: flips,

  indexSelect: indexSelects,
  indexAdd: indexAdds,
  gather: gathers,
  scatterAdd: scatterAdds,

  sum: sums,
  mean: means,
  variance: variances,
  std: deviations,
  amax: maxima,
  amin: maxima,
  argmax: argmaxima,
  argmin: argmaxima,
  prod: products,
  norm: norms,
  logsumexp: logSums,
  cumsum: cumulatives,
  cumprod: cumulatives,
  argsort: argsorts,
  cosineSimilarity: cosineSimilarities,
  dist: distances,
  cdist: rowDistances,
  softmax: softmaxes,
  softmaxGrad: softmaxGrads,
  logSoftmax: softmaxes,
  logSoftmaxGrad: softmaxGrads,

  matmul: matmuls,
  addmm: addmms,
  linear: linears,
  convolution: convolutions,
  convolutionInputGrad: convolutionInputGrads,
  convolutionWeightGrad: convolutionWeightGrads,

  maxPool: maxPools,
  avgPool: avgPools,
  avgPoolGrad: avgPoolGrads,

  layerNorm: layerNorms,
  layerNormGrad: layerNormGrads,
  batchNorm: batchNorms,
  batchNormGrad: batchNormGrads,
  groupNorm: groupNorms,
  rmsNorm: rmsNorms,

  nllLoss: nllLosses,
  crossEntropy: crossEntropies,
  probabilityCrossEntropy: probabilityCrossEntropies,
  mseLoss: mseLosses,
  binaryCrossEntropy: binaryCrossEntropies,
  binaryCrossEntropyWithLogits: binaryCrossEntropiesWithLogits,
};
