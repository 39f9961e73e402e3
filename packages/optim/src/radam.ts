import {
  add,
  div,
  greater,
  lerp,
  less,
  mul,
  reciprocal,
  sqrt,
  sub,
  type Tensor,
  tanh,
  where,
  zerosLike,
} from '@halfgrad/core';
import {
  type After,
  type Before,
  biasCorrection,
  FormulaOptimizer,
  type FormulaOptions,
  scalarState,
} from './formula-optimizer.ts';
import type { OptimizerOptions } from './optimizer.ts';
import { requireBetas, requireNonNegative } from './options.ts';
import type { ParamsInput } from './param-groups.ts';

export interface RAdamOptions extends FormulaOptions {
  weightDecay: number;
  betas: readonly [beta1: number, beta2: number];
  eps: number;
  /** Shrinks the parameter itself instead of adding to its gradient. */
  decoupledWeightDecay: boolean;
}

type RAdamState = { readonly step: Tensor; readonly expAvg: Tensor; readonly expAvgSq: Tensor };

const defaults: RAdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  decoupledWeightDecay: false,
  maximize: false,
};

/**
 * Adam that divides by the root mean square only once its variance is tractable (`torch.optim.RAdam`).
 *
 *   ρ∞ = 2 / (1 − β₂) − 1,  ρ = ρ∞ − 2tβ₂ᵗ / (1 − β₂ᵗ)
 *   r = √((ρ − 4)(ρ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρ)) · √(1 − β₂ᵗ) / (√v + ε) where ρ > 5, else 1
 *   p = p − lr · m / (1 − β₁ᵗ) · r
 *
 * @see Liu et al. (2020), algorithm 2. https://arxiv.org/abs/1908.03265
 */
export class RAdam extends FormulaOptimizer<RAdamOptions, RAdamState> {
  constructor(params: ParamsInput<RAdamOptions>, options: OptimizerOptions<RAdamOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check(options: RAdamOptions): void {
    super.check(options);
    requireBetas('RAdam', options.betas);
    requireNonNegative('RAdam', { eps: options.eps });
  }

  protected override isDecoupled({ decoupledWeightDecay }: RAdamOptions): boolean {
    return decoupledWeightDecay;
  }

  protected override createState(param: Tensor): RAdamState {
    return { step: scalarState(param), expAvg: zerosLike(param), expAvgSq: zerosLike(param) };
  }

  protected override next(
    { param, grad, ...state }: Before<RAdamState>,
    { lr, betas: [beta1, beta2], eps, weightDecay, decoupledWeightDecay }: RAdamOptions,
  ): After<RAdamState> {
    const step = add(state.step, 1);
    const expAvg = lerp(state.expAvg, grad, 1 - beta1);
    const expAvgSq = lerp(state.expAvgSq, mul(grad, grad), 1 - beta2);
    const length = averageLength(beta2, step);
    const scale = div(sqrt(biasCorrection(beta2, step)), add(sqrt(expAvgSq), eps));
    const adapted = where(greater(length, 5), mul(scale, rectification(beta2, length)), 1);
    const direction = mul(div(expAvg, biasCorrection(beta1, step)), adapted);
    const decayed = decoupledWeightDecay ? mul(param, 1 - lr * weightDecay) : param;
    return { param: sub(decayed, mul(direction, lr)), step, expAvg, expAvgSq };
  }
}

function rectification(beta: number, length: Tensor): Tensor {
  const longest = 2 / (1 - beta) - 1;
  const tractable = div(mul(sub(length, 4), sub(length, 2)), length);
  return sqrt(mul(tractable, longest / ((longest - 4) * (longest - 2))));
}

/**
 * ρ, the length of a simple average that forgets as the exponential one does. In float32 its textbook form loses all
 * digits for β near 1; with a = −ln β and Langevin's function L(x) = coth(x) − 1/x it is a sum of positive terms:
 *
 *   ρ = L(a/2) + t · (1 − L(at/2))
 */
function averageLength(beta: number, t: Tensor): Tensor {
  const half = -Math.log(beta) / 2;
  return add(mul(t, sub(1, langevin(mul(t, half)))), 1 / Math.tanh(half) - 1 / half);
}

/** coth(x) − 1/x, by its series below 0.1: the first term left out is x⁹ / 46777. */
function langevin(x: Tensor): Tensor {
  const y = mul(x, x);
  const series = mul(x, sub(1 / 3, mul(y, sub(1 / 45, mul(y, sub(2 / 945, mul(y, 1 / 4725)))))));
  return where(less(x, 0.1), series, sub(reciprocal(tanh(x)), reciprocal(x)));
}
