import { add, cast, div, lerp, mul, pow, sqrt, sub, type Tensor, zerosLike } from '@halfgrad/core';
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

export interface NAdamOptions extends FormulaOptions {
  weightDecay: number;
  betas: readonly [beta1: number, beta2: number];
  eps: number;
  /** How fast the momentum approaches β₁. */
  momentumDecay: number;
  /** Shrinks the parameter itself instead of adding to its gradient. */
  decoupledWeightDecay: boolean;
}

type NAdamState = {
  readonly step: Tensor;
  /** μ₁ · … · μₜ, in float32 as PyTorch keeps it. */
  readonly muProduct: Tensor;
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
};

const defaults: NAdamOptions = {
  lr: 2e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  momentumDecay: 4e-3,
  decoupledWeightDecay: false,
  maximize: false,
};

/**
 * Adam with Nesterov's momentum (`torch.optim.NAdam`).
 *
 *   μₜ = β₁ (1 − ½ · 0.96^(t · momentumDecay)),  m and v as Adam's,  d = √(v / (1 − β₂ᵗ)) + ε
 *   p = p − lr · ((1 − μₜ) / (1 − μ₁…μₜ) · g + μₜ₊₁ / (1 − μ₁…μₜ₊₁) · m) / d
 *
 * @see Dozat (2016). https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ
 */
export class NAdam extends FormulaOptimizer<NAdamOptions, NAdamState> {
  constructor(params: ParamsInput<NAdamOptions>, options: OptimizerOptions<NAdamOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check(options: NAdamOptions): void {
    super.check(options);
    requireBetas('NAdam', options.betas);
    requireNonNegative('NAdam', { eps: options.eps, momentumDecay: options.momentumDecay });
  }

  protected override isDecoupled({ decoupledWeightDecay }: NAdamOptions): boolean {
    return decoupledWeightDecay;
  }

  protected override createState(param: Tensor): NAdamState {
    return {
      step: scalarState(param),
      muProduct: scalarState(param, 1),
      expAvg: zerosLike(param),
      expAvgSq: zerosLike(param),
    };
  }

  protected override next(
    { param, grad, ...state }: Before<NAdamState>,
    { lr, betas: [beta1, beta2], eps, weightDecay, momentumDecay, decoupledWeightDecay }: NAdamOptions,
  ): After<NAdamState> {
    const momentumAt = (t: Tensor): Tensor => mul(sub(1, mul(pow(0.96, mul(t, momentumDecay)), 0.5)), beta1);
    const step = add(state.step, 1);
    const mu = momentumAt(step);
    const nextMu = momentumAt(add(step, 1));
    const muProduct = cast(mul(cast(state.muProduct, 'float32'), cast(mu, 'float32')), mu.dtype);
    const expAvg = lerp(state.expAvg, grad, 1 - beta1);
    const expAvgSq = lerp(state.expAvgSq, mul(grad, grad), 1 - beta2);
    const denominator = add(sqrt(div(expAvgSq, biasCorrection(beta2, step))), eps);
    const gradShare = div(sub(1, mu), sub(1, muProduct));
    const averageShare = div(nextMu, sub(1, mul(muProduct, nextMu)));
    const direction = div(add(mul(grad, gradShare), mul(expAvg, averageShare)), denominator);
    const decayed = decoupledWeightDecay ? mul(param, 1 - lr * weightDecay) : param;
    return { param: sub(decayed, mul(direction, lr)), step, muProduct, expAvg, expAvgSq };
  }
}
