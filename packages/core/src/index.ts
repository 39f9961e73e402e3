import { record } from './autograd/record.ts';
import { install } from './dispatch/layers.ts';
import { execute } from './tensor/execute.ts';
import { Tensor } from './tensor/tensor.ts';

install(execute, { autograd: record });

// console.log in Node prints tensors as toString does.
Object.defineProperty(Tensor.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Tensor) {
    return this.toString();
  },
});

export { type BackwardOptions, backward, type GradOptions, grad } from './autograd/backward.ts';
export { checkpoint } from './autograd/checkpoint.ts';
export { derivatives } from './autograd/derivatives.ts';
export { type CustomFunction, customFunction, type FunctionContext } from './autograd/function.ts';
export { enableGrad, isGradEnabled, noGrad } from './autograd/grad-mode.ts';
export {
  type GradHook,
  GradNode,
  type GradSlot,
  type LossScale,
  type LossScaleMark,
  reachableNodes,
} from './autograd/graph.ts';
export { savedBytes } from './autograd/saved-bytes.ts';
export { unbind } from './autograd/unbind.ts';
export {
  currentLayers,
  dispatch,
  type Layer,
  type Layers,
  layerOrder,
  type OpCall,
  type Run,
  type Slot,
  withLayers,
} from './dispatch/layers.ts';
export {
  celu,
  elu,
  gelu,
  glu,
  hardshrink,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  logSigmoid,
  mish,
  prelu,
  relu,
  relu6,
  selu,
  silu,
  softmin,
  softplus,
  softshrink,
  softsign,
  tanhshrink,
  threshold,
} from './functional/activation.ts';
export {
  type AttentionDropout,
  type AttentionOptions,
  attentionWeights,
  scaledDotProductAttention,
} from './functional/attention.ts';
export {
  addmm,
  baddbmm,
  bilinear,
  bmm,
  type ConvOptions,
  type ConvTransposeOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  cross,
  dot,
  linear,
  type MatmulOptions,
  matmul,
  mv,
  outer,
  type PerDim,
  tensordot,
} from './functional/contraction.ts';
export { type DecomposedOp, decompositions, stepwise } from './functional/decompositions.ts';
export { einsum } from './functional/einsum.ts';
export {
  abs,
  acos,
  acosh,
  add,
  addcdiv,
  addcmul,
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  cast,
  ceil,
  clamp,
  clone,
  cos,
  cosh,
  div,
  erf,
  exp,
  expm1,
  floor,
  fmod,
  lerp,
  log,
  log1p,
  log2,
  log10,
  maskedFill,
  maximum,
  minimum,
  mul,
  neg,
  type Operand,
  pow,
  reciprocal,
  remainder,
  round,
  rsqrt,
  sigmoid,
  sign,
  sin,
  sinh,
  sqrt,
  square,
  sub,
  tan,
  tanh,
  trunc,
  where,
} from './functional/elementwise.ts';
export {
  type EmbeddingOptions,
  embedding,
  embeddingBag,
  gather,
  index,
  indexAdd,
  indexCopy,
  indexSelect,
  oneHot,
  scatter,
  scatterAdd,
} from './functional/indexing.ts';
export {
  equal,
  greater,
  greaterEqual,
  isFinite,
  isInf,
  isNaN,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  notEqual,
} from './functional/logical.ts';
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  type ClassLossOptions,
  cosineEmbeddingLoss,
  crossEntropy,
  gaussianNllLoss,
  hingeEmbeddingLoss,
  huberLoss,
  klDiv,
  type LossOptions,
  l1Loss,
  type MarginOptions,
  marginRankingLoss,
  mseLoss,
  multiMarginLoss,
  nllLoss,
  poissonNllLoss,
  smoothL1Loss,
  softMarginLoss,
  tripletMarginLoss,
} from './functional/loss.ts';
export {
  chunk,
  concat,
  expand,
  flatten,
  flip,
  narrow,
  permute,
  reshape,
  type SliceRange,
  select,
  slice,
  split,
  squeeze,
  stack,
  transpose,
  unsqueeze,
} from './functional/movement.ts';
export {
  type AffineOptions,
  type BatchNormResult,
  batchNorm,
  groupNorm,
  instanceNorm,
  layerNorm,
  localResponseNorm,
  rmsNorm,
} from './functional/normalization.ts';
export { type PadOptions, pad } from './functional/padding.ts';
export {
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from './functional/pooling.ts';
export { dequantize, fakeQuantize, type Quantized, type QuantizeOptions, quantize } from './functional/quantization.ts';
export {
  type DropoutOptions,
  defaultGenerator,
  dropout,
  Generator,
  type GeneratorState,
  manualSeed,
} from './functional/random.ts';
export {
  diagonal,
  fold,
  movedim,
  pixelShuffle,
  pixelUnshuffle,
  repeat,
  repeatInterleave,
  roll,
  tile,
  tril,
  triu,
  type UnfoldOptions,
  unfold,
} from './functional/rearrangement.ts';
export {
  all,
  amax,
  amin,
  any,
  argmax,
  argmin,
  cdist,
  cosineSimilarity,
  cumprod,
  cumsum,
  type Dims,
  type DTypeOption,
  dist,
  logSoftmax,
  logsumexp,
  mean,
  norm,
  normalize,
  prod,
  type ReductionOptions,
  softmax,
  std,
  sum,
  variance,
} from './functional/reduction.ts';
export { type InterpolateOptions, interpolate } from './functional/resampling.ts';
export { argsort, max, min, sort, topk, type ValuesAndIndices } from './functional/sorting.ts';
export { infer } from './ops/infer.ts';
export type {
  Args,
  Attrs,
  ConvolutionAttrs,
  DimPadding,
  DimSlice,
  Inputs,
  InterpolateAttrs,
  LinearSample,
  LossReduction,
  OpName,
  Ops,
  Outputs,
  PoolAttrs,
  PoolWindow,
  Reduction,
  Result,
} from './ops/signatures.ts';
export {
  type ScaleUpdate,
  type StepAttrs,
  type UpdateAttrs,
  type UpdateInputs,
  type UpdateName,
  type Updates,
  updateTargets,
} from './ops/updates.ts';
export {
  bfloat16BitsOf,
  bfloat16Value,
  float16BitsOf,
  float16Value,
  type HalfCodec,
  halfCodecs,
} from './spec/convert.ts';
export {
  computeDType,
  type DType,
  dtypeNames,
  dtypes,
  type Float8DType,
  type HalfDType,
  isDType,
  isFloat,
  isFloat8,
  isHalf,
} from './spec/dtype.ts';
export { argumentError, type ErrorCode, TensorError } from './spec/errors.ts';
export { type Float8Codec, float8Codecs, type Overflow } from './spec/float8.ts';
export { type Finfo, type FloatDType, finfo, formats } from './spec/format.ts';
export {
  allocateHost,
  decodeValues,
  encodeNumbers,
  type Float16Values,
  type HostData,
  type HostDataOf,
  roundTo,
  type Values,
} from './spec/host-data.ts';
export { philoxWords, uniformOf } from './spec/philox.ts';
export { promoteTypes, resultType } from './spec/promotion.ts';
export { broadcastShapes, sameShape, sizeOf, stridesOf } from './spec/shape.ts';
export { leaves, mapLeaves, showSpec, type TensorSpec, type Tree } from './spec/spec.ts';
export { torchName } from './spec/torch-names.ts';
export {
  arange,
  type CreateOptions,
  eye,
  fromHost,
  full,
  linspace,
  ones,
  onesLike,
  type RandomOptions,
  rand,
  randn,
  tensor,
  zeros,
  zerosLike,
} from './tensor/create.ts';
export { type AnyKernel, decorate } from './tensor/decorate.ts';
export { defaultDevice, setDefaultDevice } from './tensor/default-device.ts';
export type {
  Block,
  Device,
  Kernel,
  KernelRow,
  Kernels,
  MemoryReport,
  Storage,
  UpdateKernel,
  UpdateKernels,
} from './tensor/device.ts';
export type { NestedArray } from './tensor/format.ts';
export { scope } from './tensor/scope.ts';
export { update } from './tensor/update.ts';
export { Tensor };
