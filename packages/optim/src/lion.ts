import { lerp, mul, sign, sub, type Tensor, zerosLike } from '@halfgrad/core';
import { type After, type Before, FormulaOptimizer, type FormulaOptions } from './formula-optimizer.ts';
import type { OptimizerOptions } from './optimizer.ts';
import { requireBetas } from './options.ts';
import type { ParamsInput } from './param-groups.ts';

export interface LionOptions extends FormulaOptions {
  /** Applied to the parameter itself, as AdamW does. */
  weightDecay: number;
  /** The share of the average in the direction, and how slowly the average forgets. */
  betas: readonly [beta1: number, beta2: number];
}

type LionState = { readonly expAvg: Tensor };

const defaults: LionOptions = { lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0, maximize: false };

/**
 * Steps of one size, in the direction of the sign of a running average. Use a learning rate some 3 to 10 times smaller
 * than AdamW's.
 *
 *   p = p − lr · (sign(β₁m + (1 − β₁)g) + weightDecay · p),  m = β₂m + (1 − β₂)g
 *
 * @see Chen et al. (2023), program 1. https://arxiv.org/abs/2302.06675
 */
export class Lion extends FormulaOptimizer<LionOptions, LionState> {
  constructor(params: ParamsInput<LionOptions>, options: OptimizerOptions<LionOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check(options: LionOptions): void {
    super.check(options);
    requireBetas('Lion', options.betas);
  }

  protected override isDecoupled(): boolean {
    return true;
  }

  protected override createState(param: Tensor): LionState {
    return { expAvg: zerosLike(param) };
  }

  protected override next(
    { param, grad, expAvg }: Before<LionState>,
    { lr, betas: [beta1, beta2], weightDecay }: LionOptions,
  ): After<LionState> {
    const direction = sign(lerp(expAvg, grad, 1 - beta1));
    return { param: sub(mul(param, 1 - lr * weightDecay), mul(direction, lr)), expAvg: lerp(expAvg, grad, 1 - beta2) };
  }
}
