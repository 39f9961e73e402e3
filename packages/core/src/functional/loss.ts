import { dispatch } from '../dispatch/layers.ts';
import type { LossReduction } from '../ops/signatures.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { div } from './elementwise.ts';
import { mean, sum } from './reduction.ts';

export interface LossOptions {
  /** `'mean'` divides by the number of elements, or by the weight of the classes seen. */
  readonly reduction?: LossReduction;
}

export interface ClassLossOptions extends LossOptions {
  /** A factor per class, shape `[classes]`. */
  readonly weight?: Tensor | undefined;
  /** Targets with this class count for nothing. */
  readonly ignoreIndex?: number;
}

/** Negative log likelihood of log-probabilities `[N, C, …]` for int32 targets `[N, …]`. */
export function nllLoss(
  input: Tensor,
  target: Tensor,
  { weight, ignoreIndex = -100, reduction = 'mean' }: ClassLossOptions = {},
): Tensor {
  return dispatch('nllLoss', { input, target, weight }, { ignoreIndex, reduction });
}

/**
 * Cross entropy of logits `[N, C, …]` with int32 class targets `[N, …]`, or with probabilities `[N, C, …]`.
 *
 *   ℓ = −log softmax(input)[target];  smoothed: (1 − s)·ℓ + s/C · Σ_c −log softmax(input)[c]
 *
 * @see Szegedy et al. (2016), section 7, for label smoothing. https://arxiv.org/abs/1512.00567
 */
export function crossEntropy(
  input: Tensor,
  target: Tensor,
  {
    weight,
    ignoreIndex = -100,
    labelSmoothing = 0,
    reduction = 'mean',
  }: ClassLossOptions & { readonly labelSmoothing?: number } = {},
): Tensor {
  if (target.dtype === 'int32') {
    return dispatch('crossEntropy', { input, target, weight }, { ignoreIndex, labelSmoothing, reduction });
  }
  return dispatch('probabilityCrossEntropy', { input, target, weight }, { labelSmoothing, reduction });
}

/** Squared error. */
export function mseLoss(input: Tensor, target: Tensor, { reduction = 'mean' }: LossOptions = {}): Tensor {
  return dispatch('mseLoss', { input, target }, { reduction });
}

/**
 * Cross entropy of probabilities in [0, 1]; logarithms are clamped at −100 as in PyTorch.
 *
 * Refused under autocast (AMP.md A11): in float16 a sigmoid above about 8.3 is exactly 1, and `log(1 − p)` is −∞.
 */
export function binaryCrossEntropy(
  input: Tensor,
  target: Tensor,
  { weight, reduction = 'mean' }: LossOptions & { readonly weight?: Tensor | undefined } = {},
): Tensor {
  return dispatch('binaryCrossEntropy', { input, target, weight }, { reduction });
}

/**
 * Cross entropy of logits, safe for any magnitude.
 *
 *   ℓ = (1 − y)·x + (1 + (p − 1)·y) · (log(1 + e^(−|x|)) + max(−x, 0)),  p = posWeight
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  {
    weight,
    posWeight,
    reduction = 'mean',
  }: LossOptions & { readonly weight?: Tensor | undefined; readonly posWeight?: Tensor | undefined } = {},
): Tensor {
  return dispatch('binaryCrossEntropyWithLogits', { input, target, weight, posWeight }, { reduction });
}

/** Absolute error. */
export function l1Loss(input: Tensor, target: Tensor, { reduction = 'mean' }: LossOptions = {}): Tensor {
  return dispatch('l1Loss', { input, target }, { reduction });
}

/** `d² / 2β` for errors `d` below β, else `d − β/2`. */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  { beta = 1, reduction = 'mean' }: LossOptions & { readonly beta?: number } = {},
): Tensor {
  return dispatch('smoothL1Loss', { input, target }, { beta, reduction });
}

/** `d² / 2` for errors `d` below δ, else `δ (d − δ/2)` (Huber, 1964). */
export function huberLoss(
  input: Tensor,
  target: Tensor,
  { delta = 1, reduction = 'mean' }: LossOptions & { readonly delta?: number } = {},
): Tensor {
  return dispatch('huberLoss', { input, target }, { delta, reduction });
}

/**
 * The Kullback–Leibler divergence of log-probabilities `input` from probabilities, or with `logTarget` log-probabilities.
 *
 *   ℓ = y · (log y − input)
 *
 * `'mean'` divides by the number of elements; the divergence itself is `'batchmean'`, which divides by the batch.
 */
export function klDiv(
  input: Tensor,
  target: Tensor,
  {
    logTarget = false,
    reduction = 'mean',
  }: { readonly logTarget?: boolean; readonly reduction?: LossReduction | 'batchmean' } = {},
): Tensor {
  if (reduction !== 'batchmean') return dispatch('klDiv', { input, target }, { logTarget, reduction });
  return div(dispatch('klDiv', { input, target }, { logTarget, reduction: 'sum' }), input.shape[0] ?? 1);
}

/** `e^x − y·x` for the logarithm `x` of a rate, or `x − y log(x + ε)` for a rate; `full` adds Stirling's log y!. */
export function poissonNllLoss(
  input: Tensor,
  target: Tensor,
  {
    logInput = true,
    full = false,
    eps = 1e-8,
    reduction = 'mean',
  }: LossOptions & { readonly logInput?: boolean; readonly full?: boolean; readonly eps?: number } = {},
): Tensor {
  return dispatch('poissonNllLoss', { input, target }, { logInput, full, eps, reduction });
}

/** `(log v + (x − y)² / v) / 2` with the variance `v`, at least ε, which broadcasts; `full` adds `log(2π) / 2`. */
export function gaussianNllLoss(
  input: Tensor,
  target: Tensor,
  variance: Tensor,
  {
    full = false,
    eps = 1e-6,
    reduction = 'mean',
  }: LossOptions & { readonly full?: boolean; readonly eps?: number } = {},
): Tensor {
  return dispatch('gaussianNllLoss', { input, target, variance }, { full, eps, reduction });
}

/** `log(1 + e^(−yx))` for labels `y` of ±1. */
export function softMarginLoss(input: Tensor, target: Tensor, { reduction = 'mean' }: LossOptions = {}): Tensor {
  return dispatch('softMarginLoss', { input, target }, { reduction });
}

export interface MarginOptions extends LossOptions {
  readonly margin?: number;
}

/** A distance itself for pairs labelled 1, what it lacks to `margin` for pairs labelled −1. */
export function hingeEmbeddingLoss(
  input: Tensor,
  target: Tensor,
  { margin = 1, reduction = 'mean' }: MarginOptions = {},
): Tensor {
  return dispatch('hingeEmbeddingLoss', { input, target }, { margin, reduction });
}

/** `max(0, margin − y (a − b))`: for `y` 1 `a` should rank higher, for −1 `b`. */
export function marginRankingLoss(
  a: Tensor,
  b: Tensor,
  target: Tensor,
  { margin = 0, reduction = 'mean' }: MarginOptions = {},
): Tensor {
  return dispatch('marginRankingLoss', { a, b, target }, { margin, reduction });
}

/** `1 − cos(a, b)` for vectors labelled 1, `max(0, cos(a, b) − margin)` for those labelled −1. */
export function cosineEmbeddingLoss(
  a: Tensor,
  b: Tensor,
  target: Tensor,
  { margin = 0, reduction = 'mean' }: MarginOptions = {},
): Tensor {
  return dispatch('cosineEmbeddingLoss', { a, b, target }, { margin, reduction });
}

/**
 * `max(0, ‖a − p‖ − ‖a − n‖ + margin)` along the last dimension, with ε added to each difference. `swap` takes
 * `‖p − n‖` instead where that is smaller (Balntas et al., 2016).
 */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  {
    margin = 1,
    p = 2,
    eps = 1e-6,
    swap = false,
    reduction = 'mean',
  }: MarginOptions & { readonly p?: number; readonly eps?: number; readonly swap?: boolean } = {},
): Tensor {
  return dispatch('tripletMarginLoss', { anchor, positive, negative }, { margin, p, eps, swap, reduction });
}

/** `Σ max(0, margin − x_y + x_c)ᵖ / C` over the classes `c ≠ y` of scores `[N, C]`, for int32 targets `[N]`. */
export function multiMarginLoss(
  input: Tensor,
  target: Tensor,
  {
    p = 1,
    margin = 1,
    weight,
    reduction = 'mean',
  }: MarginOptions & { readonly p?: 1 | 2; readonly weight?: Tensor | undefined } = {},
): Tensor {
  return dispatch('multiMarginLoss', { input, target, weight }, { p, margin, reduction });
}

/** Losses per element, reduced. */
export function reduce(losses: Tensor, reduction: LossReduction): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : mean(losses);
}
