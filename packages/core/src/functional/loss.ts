import { dispatch } from '../dispatch/layers.ts';
import type { LossReduction } from '../ops/signatures.ts';
import { TensorError } from '../spec/errors.ts';
import { sameShape } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mul, neg } from './elementwise.ts';
import { reshape } from './movement.ts';
import { logSoftmax, mean, sum } from './reduction.ts';

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
  const isClassTarget = target.dtype === 'int32';
  if (isClassTarget) {
    return dispatch('crossEntropy', { input, target, weight }, { ignoreIndex, labelSmoothing, reduction });
  }
  return probabilityCrossEntropy(input, target, weight, labelSmoothing, reduction);
}

function probabilityCrossEntropy(
  input: Tensor,
  target: Tensor,
  weight: Tensor | undefined,
  labelSmoothing: number,
  reduction: LossReduction,
): Tensor {
  if (!sameShape(input.shape, target.shape)) {
    throw new TensorError(
      'shape-mismatch',
      `crossEntropy: probabilities need the shape of the logits [${input.shape.join(',')}], got ${target.dtype}[${target.shape.join(',')}]. Class targets are int32: use target.to('int32').`,
    );
  }
  const classDim = input.shape.length === 1 ? 0 : 1;
  const classes = input.shape[classDim] as number;
  const smoothed = labelSmoothing > 0 ? target.mul(1 - labelSmoothing).add(labelSmoothing / classes) : target;
  const logProbs = logSoftmax(input, classDim);
  const weighted = weight
    ? mul(logProbs, reshape(weight, [classes, ...input.shape.slice(classDim + 1).map(() => 1)]))
    : logProbs;
  const losses = neg(sum(mul(weighted, smoothed), classDim));
  return reduce(losses, reduction);
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
