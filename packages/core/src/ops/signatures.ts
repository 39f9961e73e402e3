import type { DType } from '../spec/dtype.ts';
import type { Overflow } from '../spec/float8.ts';

/** Dimensions to reduce, counted from the front and ascending; with `keepDim` they stay as size 1. */
export interface Reduction {
  readonly dims: readonly number[];
  readonly keepDim: boolean;
}

/** An explicit result dtype, which also is the dtype the op computes in; undefined follows the input (AMP.md A6.3). */
interface ExplicitDType {
  readonly dtype: DType | undefined;
}

/** One dimension of an N-dimensional window: zeros below and above, and zeros between the elements (XLA's `Pad`). */
export interface DimPadding {
  readonly low: number;
  readonly high: number;
  readonly interior: number;
}

export interface DimSlice {
  readonly start: number;
  readonly end: number;
  readonly step: number;
}

/** Per spatial dimension; `groups` splits the channels. */
export interface ConvolutionAttrs {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
  readonly dilation: readonly number[];
  readonly groups: number;
}

/**
 * Where one output position of a pooling op looks along one dimension: `start`, `start + step`, … below `end`, all
 * inside the input. `count` is what the position contributes to the divisor of an average, which may include padding.
 */
export interface PoolWindow {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly count: number;
}

/** The windows of each spatial dimension, one per output position. Strided, padded and adaptive pooling are all this. */
export interface PoolAttrs {
  readonly windows: readonly (readonly PoolWindow[])[];
}

/** Where one output position of a resampling op reads along one axis: `(1 − weight) · x[low] + weight · x[high]`. */
export interface LinearSample {
  readonly low: number;
  readonly high: number;
  readonly weight: number;
}

/** The samples along each of the last axes, one per output position. Nearest and linear resampling are both this. */
export interface InterpolateAttrs {
  readonly axes: readonly (readonly LinearSample[])[];
}

export type LossReduction = 'none' | 'mean' | 'sum';

interface EluAttrs {
  readonly alpha: number;
  readonly scale: number;
  readonly inputScale: number;
}

interface DropoutAttrs {
  /** The probability of a zero. */
  readonly p: number;
  /** The key and the position of the Philox stream that decides, so that backward can decide alike. */
  readonly seed: number;
  readonly offset: number;
}

/** `causal`: query `i` sees keys 0 to `i` only. The rest says how weights are dropped. */
interface AttentionAttrs extends DropoutAttrs {
  readonly causal: boolean;
  readonly scale: number;
}

/**
 * The primitive operations, over any representation `T` of a tensor.
 *
 * This interface is the vocabulary of the library. `Ops<TensorSpec>` are the shape rules, `Kernels<HostTensor>` the
 * reference backend, `Ops<Tensor>` the differentiable operations. A result that is a record has one differentiable
 * member, `out`; the others are kept for backward or are integers. `…Grad` ops are backward passes fused for speed and
 * for a single rounding.
 */
export interface Ops<T> {
  // Elementwise, two operands: broadcast and promote
  add(inputs: { a: T; b: T }): T;
  sub(inputs: { a: T; b: T }): T;
  mul(inputs: { a: T; b: T }): T;
  div(inputs: { a: T; b: T }): T;
  pow(inputs: { a: T; b: T }): T;
  maximum(inputs: { a: T; b: T }): T;
  minimum(inputs: { a: T; b: T }): T;
  atan2(inputs: { a: T; b: T }): T;
  fmod(inputs: { a: T; b: T }): T;
  remainder(inputs: { a: T; b: T }): T;
  equal(inputs: { a: T; b: T }): T;
  notEqual(inputs: { a: T; b: T }): T;
  less(inputs: { a: T; b: T }): T;
  lessEqual(inputs: { a: T; b: T }): T;
  greater(inputs: { a: T; b: T }): T;
  greaterEqual(inputs: { a: T; b: T }): T;
  where(inputs: { condition: T; a: T; b: T }): T;
  lerp(inputs: { a: T; b: T; weight: T }): T;
  addcmul(inputs: { input: T; a: T; b: T }, attrs: { value: number }): T;
  addcdiv(inputs: { input: T; a: T; b: T }, attrs: { value: number }): T;

  // Elementwise, one operand
  neg(inputs: { x: T }): T;
  abs(inputs: { x: T }): T;
  sign(inputs: { x: T }): T;
  exp(inputs: { x: T }): T;
  expm1(inputs: { x: T }): T;
  log(inputs: { x: T }): T;
  log1p(inputs: { x: T }): T;
  log2(inputs: { x: T }): T;
  log10(inputs: { x: T }): T;
  sqrt(inputs: { x: T }): T;
  rsqrt(inputs: { x: T }): T;
  reciprocal(inputs: { x: T }): T;
  sin(inputs: { x: T }): T;
  cos(inputs: { x: T }): T;
  tan(inputs: { x: T }): T;
  asin(inputs: { x: T }): T;
  acos(inputs: { x: T }): T;
  atan(inputs: { x: T }): T;
  sinh(inputs: { x: T }): T;
  cosh(inputs: { x: T }): T;
  asinh(inputs: { x: T }): T;
  acosh(inputs: { x: T }): T;
  atanh(inputs: { x: T }): T;
  floor(inputs: { x: T }): T;
  ceil(inputs: { x: T }): T;
  round(inputs: { x: T }): T;
  trunc(inputs: { x: T }): T;
  erf(inputs: { x: T }): T;
  tanh(inputs: { x: T }): T;
  tanhGrad(inputs: { gradOut: T; out: T }): T;
  sigmoid(inputs: { x: T }): T;
  sigmoidGrad(inputs: { gradOut: T; out: T }): T;
  softplus(inputs: { x: T }, attrs: { beta: number; threshold: number }): T;
  relu(inputs: { x: T }): T;
  reluGrad(inputs: { gradOut: T; out: T }): T;
  gelu(inputs: { x: T }, attrs: { approximate: 'none' | 'tanh' }): T;
  geluGrad(inputs: { gradOut: T; x: T }, attrs: { approximate: 'none' | 'tanh' }): T;
  silu(inputs: { x: T }): T;
  mish(inputs: { x: T }): T;
  /** `scale · x` above 0, else `scale · alpha · (e^(inputScale · x) − 1)`. */
  elu(inputs: { x: T }, attrs: EluAttrs): T;
  leakyRelu(inputs: { x: T }, attrs: { negativeSlope: number }): T;
  prelu(inputs: { x: T; weight: T }): T;
  logSigmoid(inputs: { x: T }): T;
  glu(inputs: { x: T }, attrs: { dim: number }): T;
  hardtanh(inputs: { x: T }, attrs: { min: number; max: number }): T;
  hardsigmoid(inputs: { x: T }): T;
  hardswish(inputs: { x: T }): T;
  softsign(inputs: { x: T }): T;
  tanhshrink(inputs: { x: T }): T;
  clamp(inputs: { x: T }, attrs: { min: number; max: number }): T;
  isFinite(inputs: { x: T }): T;
  isNaN(inputs: { x: T }): T;
  isInf(inputs: { x: T }): T;
  /** Always new memory, also when the dtype stays. `saturate` is for 8-bit floats. */
  cast(inputs: { x: T }, attrs: { dtype: DType } & Overflow): T;
  dropout(inputs: { x: T }, attrs: DropoutAttrs): T;

  // Movement
  reshape(inputs: { x: T }, attrs: { shape: readonly number[] }): T;
  permute(inputs: { x: T }, attrs: { dims: readonly number[] }): T;
  expand(inputs: { x: T }, attrs: { shape: readonly number[] }): T;
  slice(inputs: { x: T }, attrs: { slices: readonly DimSlice[] }): T;
  pad(inputs: { x: T }, attrs: { padding: readonly DimPadding[]; value: number }): T;
  concat(inputs: { tensors: readonly T[] }, attrs: { dim: number }): T;
  flip(inputs: { x: T }, attrs: { dims: readonly number[] }): T;

  // Indexing: each reading op and the adding op that is its transpose
  indexSelect(inputs: { x: T; index: T }, attrs: { dim: number }): T;
  indexAdd(inputs: { index: T; source: T }, attrs: { dim: number; size: number }): T;
  gather(inputs: { x: T; index: T }, attrs: { dim: number }): T;
  /** Writes one after the other, so that the last one stays. */
  scatter(inputs: { x: T; index: T; source: T }, attrs: { dim: number }): T;
  scatterAdd(inputs: { index: T; source: T }, attrs: { dim: number; size: number }): T;

  // Reduction
  sum(inputs: { x: T }, attrs: Reduction & ExplicitDType): T;
  mean(inputs: { x: T }, attrs: Reduction): T;
  variance(inputs: { x: T }, attrs: Reduction & { correction: number }): T;
  std(inputs: { x: T }, attrs: Reduction & { correction: number }): T;
  amax(inputs: { x: T }, attrs: Reduction): T;
  amin(inputs: { x: T }, attrs: Reduction): T;
  argmax(inputs: { x: T }, attrs: { dim: number; keepDim: boolean }): T;
  argmin(inputs: { x: T }, attrs: { dim: number; keepDim: boolean }): T;
  prod(inputs: { x: T }, attrs: Reduction & ExplicitDType): T;
  /** `(Σ |x|ᵖ)^(1/p)`; the largest magnitude for an infinite `p`. */
  norm(inputs: { x: T }, attrs: Reduction & ExplicitDType & { p: number }): T;
  logsumexp(inputs: { x: T }, attrs: Reduction): T;
  cumsum(inputs: { x: T }, attrs: { dim: number } & ExplicitDType): T;
  cumprod(inputs: { x: T }, attrs: { dim: number } & ExplicitDType): T;
  /** Stable; NaN counts as the largest. */
  argsort(inputs: { x: T }, attrs: { dim: number; descending: boolean }): T;
  cosineSimilarity(inputs: { a: T; b: T }, attrs: { dim: number; eps: number }): T;
  dist(inputs: { a: T; b: T }, attrs: { p: number }): T;
  /** The distance of every row of `a` to every row of `b`. */
  cdist(inputs: { a: T; b: T }, attrs: { p: number }): T;
  softmax(inputs: { x: T }, attrs: { dim: number } & ExplicitDType): T;
  softmaxGrad(inputs: { gradOut: T; out: T }, attrs: { dim: number }): T;
  logSoftmax(inputs: { x: T }, attrs: { dim: number } & ExplicitDType): T;
  logSoftmaxGrad(inputs: { gradOut: T; out: T }, attrs: { dim: number }): T;

  // Contraction: multiply-adds
  matmul(inputs: { a: T; b: T }, attrs: { transposeA: boolean; transposeB: boolean }): T;
  addmm(inputs: { input: T; a: T; b: T }, attrs: { beta: number; alpha: number }): T;
  dot(inputs: { a: T; b: T }): T;
  cross(inputs: { a: T; b: T }, attrs: { dim: number }): T;
  /** Sums over the paired dimensions `dimsA` of `a` and `dimsB` of `b`. */
  tensordot(inputs: { a: T; b: T }, attrs: { dimsA: readonly number[]; dimsB: readonly number[] }): T;
  einsum(inputs: { tensors: readonly T[] }, attrs: { equation: string }): T;
  bilinear(inputs: { a: T; b: T; weight: T; bias: T | undefined }): T;
  scaledDotProductAttention(inputs: { query: T; key: T; value: T; mask: T | undefined }, attrs: AttentionAttrs): T;
  linear(inputs: { x: T; weight: T; bias: T | undefined }): T;
  convolution(inputs: { x: T; weight: T; bias: T | undefined }, attrs: ConvolutionAttrs): T;
  convolutionInputGrad(inputs: { gradOut: T; weight: T }, attrs: ConvolutionAttrs & { size: readonly number[] }): T;
  convolutionWeightGrad(inputs: { gradOut: T; x: T }, attrs: ConvolutionAttrs & { size: readonly number[] }): T;

  // Pooling
  maxPool(inputs: { x: T }, attrs: PoolAttrs): { out: T; indices: T };
  avgPool(inputs: { x: T }, attrs: PoolAttrs): T;
  avgPoolGrad(inputs: { gradOut: T }, attrs: PoolAttrs & { size: readonly number[] }): T;

  // Resampling: reads between two elements of each axis; the second one is the transpose of the first
  interpolate(inputs: { x: T }, attrs: InterpolateAttrs): T;
  interpolateGrad(inputs: { gradOut: T }, attrs: InterpolateAttrs & { size: readonly number[] }): T;

  // Normalisation
  layerNorm(
    inputs: { x: T; weight: T | undefined; bias: T | undefined },
    attrs: { rank: number; eps: number },
  ): { out: T; mean: T; rstd: T };
  layerNormGrad(
    inputs: { gradOut: T; x: T; weight: T | undefined; mean: T; rstd: T },
    attrs: { rank: number; eps: number },
  ): { x: T; weight: T; bias: T };
  batchNorm(
    inputs: {
      x: T;
      weight: T | undefined;
      bias: T | undefined;
      runningMean: T | undefined;
      runningVar: T | undefined;
    },
    attrs: { eps: number },
  ): { out: T; mean: T; variance: T };
  batchNormGrad(
    inputs: { gradOut: T; x: T; weight: T | undefined; mean: T; variance: T },
    attrs: { eps: number; statistics: 'batch' | 'given' },
  ): { x: T; weight: T; bias: T };
  groupNorm(inputs: { x: T; weight: T | undefined; bias: T | undefined }, attrs: { groups: number; eps: number }): T;
  rmsNorm(inputs: { x: T; weight: T | undefined }, attrs: { rank: number; eps: number }): T;

  // Losses
  nllLoss(
    inputs: { input: T; target: T; weight: T | undefined },
    attrs: { ignoreIndex: number; reduction: LossReduction },
  ): T;
  crossEntropy(
    inputs: { input: T; target: T; weight: T | undefined },
    attrs: { ignoreIndex: number; labelSmoothing: number; reduction: LossReduction },
  ): T;
  probabilityCrossEntropy(
    inputs: { input: T; target: T; weight: T | undefined },
    attrs: { labelSmoothing: number; reduction: LossReduction },
  ): T;
  mseLoss(inputs: { input: T; target: T }, attrs: { reduction: LossReduction }): T;
  l1Loss(inputs: { input: T; target: T }, attrs: { reduction: LossReduction }): T;
  smoothL1Loss(inputs: { input: T; target: T }, attrs: { beta: number; reduction: LossReduction }): T;
  huberLoss(inputs: { input: T; target: T }, attrs: { delta: number; reduction: LossReduction }): T;
  klDiv(inputs: { input: T; target: T }, attrs: { logTarget: boolean; reduction: LossReduction }): T;
  poissonNllLoss(
    inputs: { input: T; target: T },
    attrs: { logInput: boolean; full: boolean; eps: number; reduction: LossReduction },
  ): T;
  gaussianNllLoss(
    inputs: { input: T; target: T; variance: T },
    attrs: { full: boolean; eps: number; reduction: LossReduction },
  ): T;
  softMarginLoss(inputs: { input: T; target: T }, attrs: { reduction: LossReduction }): T;
  hingeEmbeddingLoss(inputs: { input: T; target: T }, attrs: { margin: number; reduction: LossReduction }): T;
  marginRankingLoss(inputs: { a: T; b: T; target: T }, attrs: { margin: number; reduction: LossReduction }): T;
  cosineEmbeddingLoss(inputs: { a: T; b: T; target: T }, attrs: { margin: number; reduction: LossReduction }): T;
  tripletMarginLoss(
    inputs: { anchor: T; positive: T; negative: T },
    attrs: { margin: number; p: number; eps: number; swap: boolean; reduction: LossReduction },
  ): T;
  multiMarginLoss(
    inputs: { input: T; target: T; weight: T | undefined },
    attrs: { p: 1 | 2; margin: number; reduction: LossReduction },
  ): T;
  binaryCrossEntropy(inputs: { input: T; target: T; weight: T | undefined }, attrs: { reduction: LossReduction }): T;
  binaryCrossEntropyWithLogits(
    inputs: { input: T; target: T; weight: T | undefined; posWeight: T | undefined },
    attrs: { reduction: LossReduction },
  ): T;
}

export type OpName = keyof Ops<unknown>;

export type Args<K extends OpName, T> = Parameters<Ops<T>[K]>;
export type Inputs<K extends OpName, T> = Args<K, T>[0];
export type Attrs<K extends OpName> = Args<K, unknown>[1];
export type Result<K extends OpName, T> = ReturnType<Ops<T>[K]>;

/** A single output goes by the name `out`. */
export type Outputs<K extends OpName, T> = Result<K, T> extends T ? { out: T } : Result<K, T>;
