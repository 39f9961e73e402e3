import type { OpName } from '@halfgrad/core';

/** What autocast does to the floating-point inputs of an op (AMP.md A1). */
export type CastPolicy =
  /** Cast to the region's dtype: many multiply-adds, which tolerate few bits. */
  | 'lowerPrecision'
  /** Cast to float32: exponentials, norms and losses, which overflow or lose bits. */
  | 'float32'
  /** Computed in and returned as float32 through the op's own `dtype`, unless the caller gave one; inputs stay narrow. */
  | 'float32Result'
  /** Cast to float32 if any input is float32, else to the region's dtype; the other 16-bit type is refused. */
  | 'promote'
  /** Refused: it goes wrong in 16 bit, and there is a better op. */
  | 'banned'
  /** Runs in whatever dtypes arrive, with ordinary promotion. */
  | 'unchanged';

export type PolicyTable = { readonly [K in OpName]: CastPolicy };

/**
 * Table 4 of 5: the accelerator policy, which all tutorials describe (CUDA in PyTorch 2.13; AMP.md A2, A12), grouped like
 * PyTorch's "Autocast Op Reference".
 */
export const acceleratorPolicy: PolicyTable = {
  matmul: 'lowerPrecision',
  addmm: 'lowerPrecision',
  linear: 'lowerPrecision',
  convolution: 'lowerPrecision',
  convolutionInputGrad: 'lowerPrecision',
  convolutionWeightGrad: 'lowerPrecision',
  prelu: 'lowerPrecision',

  exp: 'float32',
  expm1: 'float32',
  log: 'float32',
  log1p: 'float32',
  log2: 'float32',
  log10: 'float32',
  tan: 'float32',
  asin: 'float32',
  acos: 'float32',
  sinh: 'float32',
  cosh: 'float32',
  pow: 'float32',
  reciprocal: 'float32',
  rsqrt: 'float32',
  softplus: 'float32',
  layerNorm: 'float32',
  groupNorm: 'float32',
  rmsNorm: 'float32',
  logsumexp: 'float32',
  cosineSimilarity: 'float32',
  dist: 'float32',
  cdist: 'float32',
  nllLoss: 'float32',
  crossEntropy: 'float32',
  probabilityCrossEntropy: 'float32',
  mseLoss: 'float32',
  binaryCrossEntropyWithLogits: 'float32',

  sum: 'float32Result',
  prod: 'float32Result',
  norm: 'float32Result',
  cumsum: 'float32Result',
  cumprod: 'float32Result',
  softmax: 'float32Result',
  logSoftmax: 'float32Result',

  addcmul: 'promote',
  addcdiv: 'promote',
  atan2: 'promote',
  scatterAdd: 'promote',

  // In float16 a sigmoid above about 8.3 is exactly 1, and log(1 − p) is −∞ (AMP.md A11).
  binaryCrossEntropy: 'banned',

  add: 'unchanged',
  sub: 'unchanged',
  mul: 'unchanged',
  div: 'unchanged',
  maximum: 'unchanged',
  minimum: 'unchanged',
  fmod: 'unchanged',
  remainder: 'unchanged',
  equal: 'unchanged',
  notEqual: 'unchanged',
  less: 'unchanged',
  lessEqual: 'unchanged',
  greater: 'unchanged',
  greaterEqual: 'unchanged',
  where: 'unchanged',
  lerp: 'unchanged',
  neg: 'unchanged',
  abs: 'unchanged',
  sign: 'unchanged',
  sqrt: 'unchanged',
  sin: 'unchanged',
  cos: 'unchanged',
  atan: 'unchanged',
  asinh: 'unchanged',
  acosh: 'unchanged',
  atanh: 'unchanged',
  floor: 'unchanged',
  ceil: 'unchanged',
  round: 'unchanged',
  trunc: 'unchanged',
  erf: 'unchanged',
  tanh: 'unchanged',
  tanhGrad: 'unchanged',
  sigmoid: 'unchanged',
  sigmoidGrad: 'unchanged',
  relu: 'unchanged',
  reluGrad: 'unchanged',
  gelu: 'unchanged',
  geluGrad: 'unchanged',
  silu: 'unchanged',
  mish: 'unchanged',
  elu: 'unchanged',
  leakyRelu: 'unchanged',
  logSigmoid: 'unchanged',
  glu: 'unchanged',
  hardtanh: 'unchanged',
  hardsigmoid: 'unchanged',
  hardswish: 'unchanged',
  softsign: 'unchanged',
  tanhshrink: 'unchanged',
  clamp: 'unchanged',
  isFinite: 'unchanged',
  isNaN: 'unchanged',
  isInf: 'unchanged',
  cast: 'unchanged',
  dropout: 'unchanged',
  reshape: 'unchanged',
  permute: 'unchanged',
  expand: 'unchanged',
  slice: 'unchanged',
  pad: 'unchanged',
  concat: 'unchanged',
  flip: 'unchanged',
  indexSelect: 'unchanged',
  indexAdd: 'unchanged',
  gather: 'unchanged',
  mean: 'unchanged',
  variance: 'unchanged',
  std: 'unchanged',
  amax: 'unchanged',
  amin: 'unchanged',
  argmax: 'unchanged',
  argmin: 'unchanged',
  argsort: 'unchanged',
  softmaxGrad: 'unchanged',
  logSoftmaxGrad: 'unchanged',
  maxPool: 'unchanged',
  avgPool: 'unchanged',
  avgPoolGrad: 'unchanged',
  layerNormGrad: 'unchanged',
  batchNorm: 'unchanged',
  batchNormGrad: 'unchanged',
};
