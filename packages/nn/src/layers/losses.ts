import {
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
  type Tensor,
  tripletMarginLoss,
} from '@halfgrad/core';
import { Module } from '../module.ts';
import { Buffer } from '../parameter.ts';

/** A loss function with its options, all of which have defaults. */
abstract class Loss<
  Options extends object,
  Inputs extends readonly Tensor[] = [input: Tensor, target: Tensor],
> extends Module<Inputs> {
  readonly options: Options;

  constructor(options: Options = {} as Options) {
    super();
    this.options = options;
  }
}

interface Weighted {
  readonly weight?: Tensor | undefined;
}

/** A loss with factors per class or element, which are part of the state, as in PyTorch. */
abstract class WeightedLoss<Options extends Weighted> extends Loss<Omit<Options, 'weight'>> {
  readonly weight: Buffer | undefined;

  constructor({ weight, ...options }: Options = {} as Options) {
    super(options);
    this.weight = weight && new Buffer(weight);
  }
}

/** Absolute error (`torch.nn.L1Loss`). */
export class L1Loss extends Loss<LossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, this.options);
  }
}

/** Squared error (`torch.nn.MSELoss`). */
export class MSELoss extends Loss<LossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, this.options);
  }
}

/** Squared error below `beta`, absolute error above (`torch.nn.SmoothL1Loss`). */
export class SmoothL1Loss extends Loss<LossOptions & { readonly beta?: number }> {
  forward(input: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(input, target, this.options);
  }
}

/** Squared error below `delta`, `delta` times absolute error above (`torch.nn.HuberLoss`). */
export class HuberLoss extends Loss<LossOptions & { readonly delta?: number }> {
  forward(input: Tensor, target: Tensor): Tensor {
    return huberLoss(input, target, this.options);
  }
}

/** Cross entropy of logits with classes or probabilities (`torch.nn.CrossEntropyLoss`). */
export class CrossEntropyLoss extends WeightedLoss<ClassLossOptions & { readonly labelSmoothing?: number }> {
  forward(input: Tensor, target: Tensor): Tensor {
    return crossEntropy(input, target, { ...this.options, weight: this.weight });
  }
}

/** Negative log likelihood of log-probabilities (`torch.nn.NLLLoss`). */
export class NLLLoss extends WeightedLoss<ClassLossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return nllLoss(input, target, { ...this.options, weight: this.weight });
  }
}

/** Cross entropy of probabilities (`torch.nn.BCELoss`). Refused under autocast (AMP.md A11). */
export class BCELoss extends WeightedLoss<LossOptions & Weighted> {
  forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(input, target, { ...this.options, weight: this.weight });
  }
}

/** Cross entropy of logits with targets in [0, 1] (`torch.nn.BCEWithLogitsLoss`). */
export class BCEWithLogitsLoss extends WeightedLoss<LossOptions & Weighted> {
  readonly posWeight: Buffer | undefined;

  constructor({ posWeight, ...options }: LossOptions & Weighted & { readonly posWeight?: Tensor | undefined } = {}) {
    super(options);
    this.posWeight = posWeight && new Buffer(posWeight);
  }

  forward(input: Tensor, target: Tensor): Tensor {
    const { options, weight, posWeight } = this;
    return binaryCrossEntropyWithLogits(input, target, { ...options, weight, posWeight });
  }
}

/** The Kullback–Leibler divergence from log-probabilities; `'batchmean'` is its mean (`torch.nn.KLDivLoss`). */
export class KLDivLoss extends Loss<NonNullable<Parameters<typeof klDiv>[2]>> {
  forward(input: Tensor, target: Tensor): Tensor {
    return klDiv(input, target, this.options);
  }
}

/** Negative log likelihood of counts (`torch.nn.PoissonNLLLoss`). */
export class PoissonNLLLoss extends Loss<NonNullable<Parameters<typeof poissonNllLoss>[2]>> {
  forward(input: Tensor, target: Tensor): Tensor {
    return poissonNllLoss(input, target, this.options);
  }
}

/** Negative log likelihood of normal distributions with given variances (`torch.nn.GaussianNLLLoss`). */
export class GaussianNLLLoss extends Loss<
  NonNullable<Parameters<typeof gaussianNllLoss>[3]>,
  [input: Tensor, target: Tensor, variance: Tensor]
> {
  forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    return gaussianNllLoss(input, target, variance, this.options);
  }
}

/** `log(1 + e^(−yx))` for labels of ±1 (`torch.nn.SoftMarginLoss`). */
export class SoftMarginLoss extends Loss<LossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return softMarginLoss(input, target, this.options);
  }
}

/** A distance, or what it lacks to the margin (`torch.nn.HingeEmbeddingLoss`). */
export class HingeEmbeddingLoss extends Loss<MarginOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return hingeEmbeddingLoss(input, target, this.options);
  }
}

/** What the better of two scores lacks to the margin (`torch.nn.MarginRankingLoss`). */
export class MarginRankingLoss extends Loss<MarginOptions, [a: Tensor, b: Tensor, target: Tensor]> {
  forward(a: Tensor, b: Tensor, target: Tensor): Tensor {
    return marginRankingLoss(a, b, target, this.options);
  }
}

/** Pulls vectors together or apart by their angle (`torch.nn.CosineEmbeddingLoss`). */
export class CosineEmbeddingLoss extends Loss<MarginOptions, [a: Tensor, b: Tensor, target: Tensor]> {
  forward(a: Tensor, b: Tensor, target: Tensor): Tensor {
    return cosineEmbeddingLoss(a, b, target, this.options);
  }
}

/** Pulls positives nearer than negatives by a margin (`torch.nn.TripletMarginLoss`). */
export class TripletMarginLoss extends Loss<
  NonNullable<Parameters<typeof tripletMarginLoss>[3]>,
  [anchor: Tensor, positive: Tensor, negative: Tensor]
> {
  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    return tripletMarginLoss(anchor, positive, negative, this.options);
  }
}

/** How far other classes come within the margin of the right one (`torch.nn.MultiMarginLoss`). */
export class MultiMarginLoss extends WeightedLoss<NonNullable<Parameters<typeof multiMarginLoss>[2]>> {
  forward(input: Tensor, target: Tensor): Tensor {
    return multiMarginLoss(input, target, { ...this.options, weight: this.weight });
  }
}
