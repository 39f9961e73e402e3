import { abs, add, div, lerp, maximum, mul, sub, type Tensor, zerosLike } from '@halfgrad/core';
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

export interface AdamaxOptions extends FormulaOptions {
  weightDecay: number;
  betas: readonly [beta1: number, beta2: number];
  eps: number;
}

type AdamaxState = { readonly step: Tensor; readonly expAvg: Tensor; readonly expInf: Tensor };

const defaults: AdamaxOptions = { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false };

/**
 * Adam with a decaying maximum in place of the root mean square (`torch.optim.Adamax`).
 *
 *   m = β₁m + (1 − β₁)g,  u = max(β₂u, |g| + ε),  p = p − lr / (1 − β₁ᵗ) · m / u
 *
 * @see Kingma & Ba (2015), algorithm 2. https://arxiv.org/abs/1412.6980
 */
export class Adamax extends FormulaOptimizer<AdamaxOptions, AdamaxState> {
  constructor(params: ParamsInput<AdamaxOptions>, options: OptimizerOptions<AdamaxOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check(options: AdamaxOptions): void {
    super.check(options);
    requireBetas('Adamax', options.betas);
    requireNonNegative('Adamax', { eps: options.eps });
  }

  protected override createState(param: Tensor): AdamaxState {
    return { step: scalarState(param), expAvg: zerosLike(param), expInf: zerosLike(param) };
  }

  protected override next(
    { param, grad, ...state }: Before<AdamaxState>,
    { lr, betas: [beta1, beta2], eps }: AdamaxOptions,
  ): After<AdamaxState> {
    const step = add(state.step, 1);
    const expAvg = lerp(state.expAvg, grad, 1 - beta1);
    const expInf = maximum(mul(state.expInf, beta2), add(abs(grad), eps));
    const rate = div(lr, biasCorrection(beta1, step));
    return { param: sub(param, mul(div(expAvg, expInf), rate)), step, expAvg, expInf };
  }
}
