import { dispatch } from '../dispatch/layers.ts';
import type { LossReduction, Ops } from '../ops/signatures.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { relu, softplus } from './activation.ts';
import { abs, add, cast, clamp, div, exp, log, maximum, minimum, mul, neg, rsqrt, sub, where } from './elementwise.ts';
import { indexSelect } from './indexing.ts';
import { equal, greater, less, notEqual } from './logical.ts';
import { reduce } from './loss.ts';
import { reshape, unsqueeze } from './movement.ts';
import { logSoftmax, norm, sum } from './reduction.ts';

/** Losses are ops because autocast has a policy for them. */
export type LossOp =
  | 'nllLoss'
  | 'crossEntropy'
  | 'probabilityCrossEntropy'
  | 'mseLoss'
  | 'l1Loss'
  | 'smoothL1Loss'
  | 'huberLoss'
  | 'klDiv'
  | 'poissonNllLoss'
  | 'gaussianNllLoss'
  | 'softMarginLoss'
  | 'hingeEmbeddingLoss'
  | 'marginRankingLoss'
  | 'cosineEmbeddingLoss'
  | 'tripletMarginLoss'
  | 'multiMarginLoss'
  | 'binaryCrossEntropy'
  | 'binaryCrossEntropyWithLogits';

type Three = [Tensor, Tensor, Tensor];

/** The part of `decompositions` that is about losses. */
export const lossDecompositions: Pick<Ops<Tensor>, LossOp> = {
  nllLoss({ input, target, weight }, { ignoreIndex, reduction }) {
    const picked = pickClass(input, target, ignoreIndex);
    const factors = classWeights(input, target, weight, ignoreIndex);
    return weightedLoss(neg(mul(picked, factors)), factors, reduction);
  },
  crossEntropy({ input, target, weight }, { ignoreIndex, labelSmoothing, reduction }) {
    const dim = classDim(input);
    const logProbs = logSoftmax(input, dim);
    const factors = classWeights(input, target, weight, ignoreIndex);
    const likelihood = neg(mul(pickClass(logProbs, target, ignoreIndex), factors));
    if (labelSmoothing === 0) return weightedLoss(likelihood, factors, reduction);
    const weighted = weight
      ? mul(logProbs, reshape(weight, [-1, ...input.shape.slice(dim + 1).map(() => 1)]))
      : logProbs;
    const counted = cast(notEqual(target, ignoreIndex), input.dtype);
    const smoothing = neg(mul(sum(weighted, dim), counted));
    const classes = input.shape[dim] as number;
    return add(
      mul(weightedLoss(likelihood, factors, reduction), 1 - labelSmoothing),
      mul(weightedLoss(smoothing, factors, reduction), labelSmoothing / classes),
    );
  },
  probabilityCrossEntropy({ input, target, weight }, { labelSmoothing, reduction }) {
    const dim = classDim(input);
    const classes = input.shape[dim] as number;
    const smoothed = labelSmoothing > 0 ? add(mul(target, 1 - labelSmoothing), labelSmoothing / classes) : target;
    const logProbs = logSoftmax(input, dim);
    const weighted = weight
      ? mul(logProbs, reshape(weight, [classes, ...input.shape.slice(dim + 1).map(() => 1)]))
      : logProbs;
    return reduce(neg(sum(mul(weighted, smoothed), dim)), reduction);
  },
  mseLoss({ input, target }, { reduction }) {
    const difference = sub(input, target);
    return reduce(mul(difference, difference), reduction);
  },
  l1Loss: ({ input, target }, { reduction }) => reduce(abs(sub(input, target)), reduction),
  smoothL1Loss({ input, target }, { beta, reduction }) {
    const distance = abs(sub(input, target));
    if (beta === 0) return reduce(distance, reduction);
    const quadratic = div(mul(distance, distance), 2 * beta);
    return reduce(where(less(distance, beta), quadratic, sub(distance, beta / 2)), reduction);
  },
  huberLoss({ input, target }, { delta, reduction }) {
    const distance = abs(sub(input, target));
    const quadratic = mul(mul(distance, distance), 0.5);
    return reduce(where(less(distance, delta), quadratic, mul(sub(distance, delta / 2), delta)), reduction);
  },
  klDiv({ input, target }, { logTarget, reduction }) {
    if (logTarget) return reduce(mul(exp(target), sub(target, input)), reduction);
    // t · log t is 0 where t is.
    const logOfTarget = log(where(equal(target, 0), 1, target));
    return reduce(mul(target, sub(logOfTarget, input)), reduction);
  },
  poissonNllLoss({ input, target }, { logInput, full, eps, reduction }) {
    const counts = cast(target, input.dtype);
    const losses = logInput ? sub(exp(input), mul(counts, input)) : sub(input, mul(counts, log(add(input, eps))));
    if (!full) return reduce(losses, reduction);
    // Stirling's approximation of log t!, for t above 1.
    const many = where(greater(counts, 1), counts, 1);
    const stirling = add(sub(mul(many, log(many)), many), mul(log(mul(many, 2 * Math.PI)), 0.5));
    return reduce(add(losses, where(greater(counts, 1), stirling, 0)), reduction);
  },
  gaussianNllLoss({ input, target, variance }, { full, eps, reduction }) {
    // As in PyTorch, variances below ε count as ε, but are moved as if they did not.
    const limited = add(variance, sub(maximum(variance, eps), variance).detach());
    const difference = sub(input, target);
    const losses = mul(add(log(limited), div(mul(difference, difference), limited)), 0.5);
    return reduce(full ? add(losses, Math.log(2 * Math.PI) / 2) : losses, reduction);
  },
  softMarginLoss: ({ input, target }, { reduction }) =>
    reduce(logisticLoss(mul(cast(target, input.dtype), input)), reduction),
  hingeEmbeddingLoss({ input, target }, { margin, reduction }) {
    const apart = where(equal(target, 1), 0, relu(sub(margin, input)));
    return reduce(add(apart, where(equal(target, -1), 0, input)), reduction);
  },
  marginRankingLoss: ({ a, b, target }, { margin, reduction }) =>
    reduce(relu(sub(margin, mul(cast(target, a.dtype), sub(a, b)))), reduction),
  cosineEmbeddingLoss({ a, b, target }, { margin, reduction }) {
    const [product, aSquare, bSquare] = [mul(a, b), mul(a, a), mul(b, b)].map((x) => sum(x, -1)) as Three;
    const eps = 1e-12;
    const cosine = mul(product, rsqrt(mul(add(aSquare, eps), add(bSquare, eps))));
    return reduce(where(equal(target, 1), sub(1, cosine), relu(sub(cosine, margin))), reduction);
  },
  tripletMarginLoss({ anchor, positive, negative }, { margin, p, eps, swap, reduction }) {
    const distance = (x: Tensor, y: Tensor): Tensor => norm(add(sub(x, y), eps), p, -1);
    const far = distance(anchor, negative);
    const farther = swap ? minimum(far, distance(positive, negative)) : far;
    return reduce(relu(add(sub(distance(anchor, positive), farther), margin)), reduction);
  },
  multiMarginLoss({ input, target, weight }, { p, margin, reduction }) {
    const index = unsqueeze(target, -1);
    const own = dispatch('gather', { x: input, index }, { dim: input.shape.length - 1 });
    const violations = relu(add(sub(input, own), margin));
    const powers = p === 1 ? violations : mul(violations, violations);
    // The class itself violates its own margin by exactly `margin`.
    const losses = div(sub(sum(powers, -1), Math.max(margin, 0) ** p), input.shape.at(-1) as number);
    return reduce(weight ? mul(losses, indexSelect(weight, 0, target)) : losses, reduction);
  },
  binaryCrossEntropy({ input, target, weight }, { reduction }) {
    const losses = neg(add(mul(target, clampedLog(input)), mul(sub(1, target), clampedLog(sub(1, input)))));
    return reduce(weight ? mul(losses, weight) : losses, reduction);
  },
  binaryCrossEntropyWithLogits({ input, target, weight, posWeight }, { reduction }) {
    const tail = logisticLoss(input);
    const factor = posWeight ? add(mul(sub(posWeight, 1), target), 1) : undefined;
    const losses = add(mul(sub(1, target), input), factor ? mul(factor, tail) : tail);
    return reduce(weight ? mul(losses, weight) : losses, reduction);
  },
};

/** `log p`, but not below −100, as PyTorch has it. */
export function clampedLog(p: Tensor): Tensor {
  return clamp(log(p), { min: -100 });
}

/** log(1 + e^(−x)), whose derivatives exist everywhere. */
function logisticLoss(x: Tensor): Tensor {
  return softplus(neg(x), { threshold: Number.POSITIVE_INFINITY });
}

function classDim(input: Tensor): number {
  return input.shape.length === 1 ? 0 : 1;
}

/** `input` at each target's class; an ignored target reads class 0, and its weight of 0 discards it. */
function pickClass(input: Tensor, target: Tensor, ignoreIndex: number): Tensor {
  const dim = classDim(input);
  const index = unsqueeze(where(equal(target, ignoreIndex), 0, target), dim);
  return reshape(dispatch('gather', { x: input, index }, { dim }), target.shape);
}

/** The weight of each target's class, and 0 for ignored targets. */
function classWeights(input: Tensor, target: Tensor, weight: Tensor | undefined, ignoreIndex: number): Tensor {
  const counted = cast(notEqual(target, ignoreIndex), input.dtype);
  if (!weight) return counted;
  return mul(indexSelect(weight, 0, where(equal(target, ignoreIndex), 0, target)), counted);
}

function weightedLoss(losses: Tensor, factors: Tensor, reduction: LossReduction): Tensor {
  if (reduction === 'mean') return div(sum(losses), sum(factors));
  return reduction === 'sum' ? sum(losses) : losses;
}
