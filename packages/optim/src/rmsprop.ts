import { add, div, lerp, mul, sqrt, sub, type Tensor, zerosLike } from '@halfgrad/core';
import { type After, type Before, FormulaOptimizer, type FormulaOptions, scalarState } from './formula-optimizer.ts';
import type { OptimizerOptions } from './optimizer.ts';
import { requireFractions, requireNonNegative } from './options.ts';
import type { ParamsInput } from './param-groups.ts';

export interface RMSpropOptions extends FormulaOptions {
  weightDecay: number;
  /** How slowly the average of squared gradients forgets. */
  alpha: number;
  eps: number;
  momentum: number;
  /** Divides by an estimate of the standard deviation instead of the root mean square. */
  centered: boolean;
}

type RMSpropState = {
  readonly step: Tensor;
  readonly squareAvg: Tensor;
  readonly momentumBuffer?: Tensor;
  readonly gradAvg?: Tensor;
};

const defaults: RMSpropOptions = {
  lr: 1e-2,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
};

/**
 * Divides gradients by a running root mean square (`torch.optim.RMSprop`).
 *
 *   v = αv + (1 − α)g²,  b = momentum · b + g / (√(v − ḡ²) + ε),  p = p − lr · b
 *
 * Without `centered`, ḡ is 0.
 *
 * @see Hinton (2012), lecture 6e. https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf
 */
export class RMSprop extends FormulaOptimizer<RMSpropOptions, RMSpropState> {
  constructor(params: ParamsInput<RMSpropOptions>, options: OptimizerOptions<RMSpropOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check(options: RMSpropOptions): void {
    super.check(options);
    const { alpha, eps, momentum } = options;
    requireFractions('RMSprop', { alpha });
    requireNonNegative('RMSprop', { eps, momentum });
  }

  protected override createState(param: Tensor, { momentum, centered }: RMSpropOptions): RMSpropState {
    return {
      step: scalarState(param),
      squareAvg: zerosLike(param),
      ...(momentum > 0 && { momentumBuffer: zerosLike(param) }),
      ...(centered && { gradAvg: zerosLike(param) }),
    };
  }

  protected override next(
    values: Before<RMSpropState>,
    { lr, alpha, eps, momentum }: RMSpropOptions,
  ): After<RMSpropState> {
    const { param, grad } = values;
    const squareAvg = lerp(values.squareAvg, mul(grad, grad), 1 - alpha);
    const gradAvg = values.gradAvg && lerp(values.gradAvg, grad, 1 - alpha);
    const spread = sqrt(gradAvg ? sub(squareAvg, mul(gradAvg, gradAvg)) : squareAvg);
    const scaled = div(grad, add(spread, eps));
    const momentumBuffer = values.momentumBuffer && add(mul(values.momentumBuffer, momentum), scaled);
    return {
      param: sub(param, mul(momentumBuffer ?? scaled, lr)),
      step: add(values.step, 1),
      squareAvg,
      ...(momentumBuffer && { momentumBuffer }),
      ...(gradAvg && { gradAvg }),
    };
  }
}
