import { add, div, maximum, mul, pow, reciprocal, sub, type Tensor, zerosLike } from '@halfgrad/core';
import { type After, type Before, FormulaOptimizer, type FormulaOptions, scalarState } from './formula-optimizer.ts';
import type { OptimizerOptions } from './optimizer.ts';
import { requireNonNegative } from './options.ts';
import type { ParamsInput } from './param-groups.ts';

export interface ASGDOptions extends FormulaOptions {
  weightDecay: number;
  /** How much each step shrinks the parameter. */
  lambd: number;
  /** The power with which the step size falls. */
  alpha: number;
  /** The step after which parameters are averaged. */
  t0: number;
}

type ASGDState = {
  readonly step: Tensor;
  /** The step size of the next step. */
  readonly eta: Tensor;
  /** The weight of the next parameter in the average. */
  readonly mu: Tensor;
  /** The average of the parameters. */
  readonly ax: Tensor;
};

const defaults: ASGDOptions = { lr: 1e-2, lambd: 1e-4, alpha: 0.75, t0: 1e6, weightDecay: 0, maximize: false };

/**
 * Stochastic gradient descent that averages its parameters from step `t0` on, in the state `ax` (`torch.optim.ASGD`).
 *
 *   p = (1 − λη)p − ηg,  ax = ax + μ(p − ax),  η = lr / (1 + λ · lr · t)^α,  μ = 1 / max(1, t − t0)
 *
 * @see Polyak & Juditsky (1992). https://doi.org/10.1137/0330046
 */
export class ASGD extends FormulaOptimizer<ASGDOptions, ASGDState> {
  constructor(params: ParamsInput<ASGDOptions>, options: OptimizerOptions<ASGDOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check(options: ASGDOptions): void {
    super.check(options);
    const { lambd, alpha, t0 } = options;
    requireNonNegative('ASGD', { lambd, alpha, t0 });
  }

  protected override createState(param: Tensor, { lr }: ASGDOptions): ASGDState {
    return {
      step: scalarState(param),
      eta: scalarState(param, lr),
      mu: scalarState(param, 1),
      ax: zerosLike(param),
    };
  }

  protected override next(
    { param, grad, eta, mu, ax, ...state }: Before<ASGDState>,
    { lr, lambd, alpha, t0 }: ASGDOptions,
  ): After<ASGDState> {
    const step = add(state.step, 1);
    const moved = sub(mul(param, sub(1, mul(eta, lambd))), mul(grad, eta));
    return {
      param: moved,
      step,
      eta: div(lr, pow(add(mul(step, lambd * lr), 1), alpha)),
      mu: reciprocal(maximum(sub(step, t0), 1)),
      ax: add(ax, mul(sub(moved, ax), mu)),
    };
  }
}
