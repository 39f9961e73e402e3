import { add, div, full, mul, sqrt, sub, type Tensor } from '@halfgrad/core';
import { type After, type Before, FormulaOptimizer, type FormulaOptions, scalarState } from './formula-optimizer.ts';
import type { OptimizerOptions } from './optimizer.ts';
import { requireNonNegative } from './options.ts';
import type { ParamsInput } from './param-groups.ts';

export interface AdagradOptions extends FormulaOptions {
  weightDecay: number;
  lrDecay: number;
  initialAccumulatorValue: number;
  eps: number;
}

type AdagradState = { readonly step: Tensor; readonly sum: Tensor };

const defaults: AdagradOptions = {
  lr: 1e-2,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
  maximize: false,
};

/**
 * Divides gradients by the root of the sum of all their squares (`torch.optim.Adagrad`).
 *
 *   s = s + g²,  p = p − lr / (1 + lrDecay · t) · g / (√s + ε),  t the steps before this one
 *
 * @see Duchi, Hazan & Singer (2011). https://jmlr.org/papers/v12/duchi11a.html
 */
export class Adagrad extends FormulaOptimizer<AdagradOptions, AdagradState> {
  constructor(params: ParamsInput<AdagradOptions>, options: OptimizerOptions<AdagradOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check(options: AdagradOptions): void {
    super.check(options);
    const { lrDecay, initialAccumulatorValue, eps } = options;
    requireNonNegative('Adagrad', { lrDecay, initialAccumulatorValue, eps });
  }

  protected override createState(param: Tensor, { initialAccumulatorValue }: AdagradOptions): AdagradState {
    const { shape, dtype, device } = param;
    return { step: scalarState(param), sum: full(shape, initialAccumulatorValue, { dtype, device }) };
  }

  protected override next(
    { param, grad, step, sum }: Before<AdagradState>,
    { lr, lrDecay, eps }: AdagradOptions,
  ): After<AdagradState> {
    const total = add(sum, mul(grad, grad));
    const rate = div(lr, add(mul(step, lrDecay), 1));
    return {
      param: sub(param, mul(div(grad, add(sqrt(total), eps)), rate)),
      step: add(step, 1),
      sum: total,
    };
  }
}
