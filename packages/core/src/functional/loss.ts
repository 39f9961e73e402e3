import { dispatch } from '../dispatch/layers.ts';
import type { LossReduction } from '../ops/signatures.ts';
import type { Tensor } from '../tensor/tensor.ts';
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

/** Losses per element, reduced. */
export function reduce(losses: Tensor, reduction: LossReduction): Tensor {
  if (reduction === 'none') return losses;
  return reduction === 'sum' ? sum(losses) : mean(losses);
}
