import {
  add,
  amax,
  amin,
  atan2,
  avgPool2d,
  batchNorm,
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  cast,
  celu,
  clamp,
  concat,
  conv1d,
  conv2d,
  cos,
  cosh,
  crossEntropy,
  cumsum,
  div,
  einsum,
  embedding,
  erf,
  exp,
  expm1,
  flip,
  floor,
  gelu,
  groupNorm,
  hardsigmoid,
  hardswish,
  type InterpolateOptions,
  instanceNorm,
  interpolate,
  type LossReduction,
  l1Loss,
  layerNorm,
  linear,
  log,
  logSigmoid,
  logSoftmax,
  logsumexp,
  matmul,
  max,
  maximum,
  maxPool2d,
  mean,
  minimum,
  mish,
  mseLoss,
  mul,
  neg,
  nllLoss,
  norm,
  normalize,
  type PerDim,
  permute,
  pow,
  prod,
  reciprocal,
  relu,
  relu6,
  repeat,
  rsqrt,
  type SliceRange,
  scaledDotProductAttention,
  selu,
  sigmoid,
  sign,
  silu,
  sin,
  slice,
  softmax,
  softplus,
  softsign,
  sort,
  split,
  sqrt,
  square,
  squeeze,
  std,
  sub,
  sum,
  type Tensor,
  tan,
  tanh,
  topk,
  variance,
  where,
} from '@halfgrad/core';

/** The tensors of a case by the names they have in the file; each case has those that its op needs. */
export type GradientInputs = {
  readonly [N in 'a' | 'b' | 'b1' | 'b2' | 'c' | 'i' | 'k' | 'q' | 't' | 'v' | 'w' | 'w1' | 'w2' | 'x' | 'y']: Tensor;
};

/** The arguments of PyTorch's function, under its names. */
interface Arguments {
  readonly alpha: number;
  readonly approximate: 'none' | 'tanh';
  readonly beta: number;
  readonly correction: number;
  readonly dilation: PerDim;
  readonly dim: number | readonly number[] | null;
  readonly dims: readonly number[];
  readonly eps: number;
  readonly equation: string;
  readonly exponent: number;
  readonly groups: number;
  readonly is_causal: boolean;
  readonly k: number;
  readonly keepdim: boolean;
  readonly kernel: number;
  readonly label_smoothing: number;
  readonly max: number;
  readonly min: number;
  readonly mode: string;
  readonly normalized_shape: readonly number[];
  readonly p: number;
  readonly padding: PerDim;
  readonly padding_idx: number;
  readonly reduction: LossReduction;
  readonly repeats: readonly number[];
  readonly scale: number;
  readonly sizes: readonly number[];
  readonly spec: string;
  readonly stride: PerDim;
  readonly threshold: number;
}

export type GradientAttrs = Partial<Arguments>;

type GradientOp = (inputs: GradientInputs, attrs: GradientAttrs) => Tensor | readonly Tensor[];

type Reduce = (x: Tensor, dim: number | readonly number[] | undefined, options: { keepDim: boolean }) => Tensor;

const reduction =
  (reduce: Reduce): GradientOp =>
  ({ x }, { dim, keepdim = false }) =>
    reduce(x, dim ?? undefined, { keepDim: keepdim });

const spread =
  (measure: typeof variance): GradientOp =>
  ({ x }, { dim, keepdim = false, correction = 1 }) =>
    measure(x, dim ?? undefined, { keepDim: keepdim, correction });

/** Python's `start:stop:step`, per dimension. */
function rangesOf(spec: string): SliceRange[] {
  return spec.split(',').map((range) => {
    const [start, end, step] = range.split(':').map((part) => (part === '' ? undefined : Number(part)));
    return { ...(start !== undefined && { start }), ...(end !== undefined && { end }), ...(step && { step }) };
  });
}

/** The functions that the cases name. */
export const gradientOps: Readonly<Record<string, GradientOp>> = {
  exp: ({ x }) => exp(x),
  log: ({ x }) => log(x),
  expm1: ({ x }) => expm1(x),
  sqrt: ({ x }) => sqrt(x),
  rsqrt: ({ x }) => rsqrt(x),
  reciprocal: ({ x }) => reciprocal(x),
  square: ({ x }) => square(x),
  neg: ({ x }) => neg(x),
  sin: ({ x }) => sin(x),
  cos: ({ x }) => cos(x),
  tan: ({ x }) => tan(x),
  cosh: ({ x }) => cosh(x),
  tanh: ({ x }) => tanh(x),
  sigmoid: ({ x }) => sigmoid(x),
  erf: ({ x }) => erf(x),
  sign: ({ x }) => sign(x),
  floor: ({ x }) => floor(x),

  relu: ({ x }) => relu(x),
  relu6: ({ x }) => relu6(x),
  silu: ({ x }) => silu(x),
  mish: ({ x }) => mish(x),
  selu: ({ x }) => selu(x),
  celu: ({ x }, { alpha = 1 }) => celu(x, { alpha }),
  softsign: ({ x }) => softsign(x),
  hardsigmoid: ({ x }) => hardsigmoid(x),
  hardswish: ({ x }) => hardswish(x),
  logsigmoid: ({ x }) => logSigmoid(x),
  gelu: ({ x }, { approximate = 'none' }) => gelu(x, { approximate }),
  softplus: ({ x }, { beta = 1, threshold = 20 }) => softplus(x, { beta, threshold }),
  clamp: ({ x }, { min = -Infinity, max = Infinity }) => clamp(x, { min, max }),

  add: ({ a, b }) => add(a, b),
  sub: ({ a, b }) => sub(a, b),
  // With one tensor the case is about fan-out: it uses it three times.
  mul: ({ a, b, x }) => (x ? add(mul(x, x), x) : mul(a, b)),
  div: ({ a, b }) => div(a, b),
  pow: ({ a, b, x }, { exponent }) => (exponent === undefined ? pow(a, b) : pow(x, exponent)),
  maximum: ({ a, b }) => maximum(a, b),
  minimum: ({ a, b }) => minimum(a, b),
  atan2: ({ a, b }) => atan2(a, b),
  where: ({ c, a, b }) => where(cast(c, 'bool'), a, b),

  matmul: ({ a, b }) => matmul(a, b),
  linear: ({ x, w, b }) => linear(x, w, b),
  einsum: ({ a, b }, { equation = '' }) => einsum(equation, a, b),

  sum: reduction(sum),
  mean: reduction(mean),
  amax: reduction(amax),
  amin: reduction(amin),
  prod: reduction(prod),
  logsumexp: reduction(logsumexp),
  norm2: reduction((x, dim, options) => norm(x, 2, dim, options)),
  var: spread(variance),
  std: spread(std),
  max: ({ x }, { dim }) => max(x, dim as number).values,
  cumsum: ({ x }, { dim }) => cumsum(x, dim as number),
  topk: ({ x }, { k = 1, dim }) => topk(x, k, dim as number).values,
  sort: ({ x }, { dim }) => sort(x, dim as number).values,
  softmax: ({ x }, { dim }) => softmax(x, dim as number),
  log_softmax: ({ x }, { dim }) => logSoftmax(x, dim as number),

  permute: ({ x }, { dims = [] }) => permute(x, dims),
  cat: ({ a, b }, { dim }) => concat([a, b], dim as number),
  slice: ({ x }, { spec = '' }) => slice(x, rangesOf(spec)),
  split: ({ x }, { sizes = [], dim }) => split(x, sizes, dim as number),
  squeeze: ({ x }, { dim }) => squeeze(x, dim as number),
  flip: ({ x }, { dims = [] }) => flip(x, dims),
  repeat: ({ x }, { repeats = [] }) => repeat(x, repeats),
  embedding: ({ w, i }, { padding_idx: paddingIdx }) => embedding(i, w, { paddingIdx }),

  conv1d: ({ x, w, b }, { stride = 1, padding = 0, dilation = 1 }) => conv1d(x, w, b, { stride, padding, dilation }),
  conv2d: ({ x, w, b }, { stride = 1, padding = 0, dilation = 1 }) => conv2d(x, w, b, { stride, padding, dilation }),
  max_pool2d: ({ x }, { kernel = 1 }) => maxPool2d(x, kernel),
  avg_pool2d: ({ x }, { kernel = 1 }) => avgPool2d(x, kernel),

  interpolate: ({ x }, { scale, mode }) =>
    interpolate(x, { scaleFactor: scale, mode: mode as NonNullable<InterpolateOptions['mode']> }),

  batch_norm: ({ x, w, b }, { eps = 1e-5 }) => batchNorm(x, { weight: w, bias: b, eps }).out,
  layer_norm: ({ x, w, b }, { normalized_shape = [], eps = 1e-5 }) =>
    layerNorm(x, normalized_shape, { weight: w, bias: b, eps }),
  group_norm: ({ x, w, b }, { groups = 1, eps = 1e-5 }) => groupNorm(x, groups, { weight: w, bias: b, eps }),
  instance_norm: ({ x }, { eps = 1e-5 }) => instanceNorm(x, { eps }),
  normalize: ({ x }, { p = 2, dim }) => normalize(x, { p, dim: dim as number }),

  sdpa: ({ q, k, v }, { is_causal: isCausal = false }) => scaledDotProductAttention(q, k, v, { isCausal }),

  cross_entropy: ({ x, y, t, w }, { reduction = 'mean', label_smoothing = 0 }) =>
    crossEntropy(x, y ?? t, { weight: w, reduction, labelSmoothing: label_smoothing }),
  nll_loss: ({ x, y }, { reduction = 'mean' }) => nllLoss(x, y, { reduction }),
  l1_loss: ({ a, b }, { reduction = 'mean' }) => l1Loss(a, b, { reduction }),
  mse_loss: ({ a, b }, { reduction = 'mean' }) => mseLoss(a, b, { reduction }),
  bce: ({ x, t }, { reduction = 'mean' }) => binaryCrossEntropy(x, t, { reduction }),
  bce_with_logits: ({ x, t }, { reduction = 'mean' }) => binaryCrossEntropyWithLogits(x, t, { reduction }),
  'composite:mlp_relu_cross_entropy': ({ x, y, w1, b1, w2, b2 }) =>
    crossEntropy(linear(relu(linear(x, w1, b1)), w2, b2), y),
};
