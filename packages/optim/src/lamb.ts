import { add, div, equal, lerp, mul, norm, sqrt, sub, type Tensor, where, zerosLike } from '@halfgrad/core';
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

export interface LAMBOptions extends FormulaOptions {
  /** Added to the direction, before its length is measured. */
  weightDecay: number;
  betas: readonly [beta1: number, beta2: number];
  eps: number;
}

type LAMBState = { readonly step: Tensor; readonly expAvg: Tensor; readonly expAvgSq: Tensor };

const defaults: LAMBOptions = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-6, weightDecay: 0, maximize: false };

/**
 * Adam's direction, made as long as the parameter it changes: for large batches.
 *
 *   r = m̂ / (√v̂ + ε) + weightDecay · p,  p = p − lr · ‖p‖ / ‖r‖ · r, the ratio being 1 where either norm is 0
 *
 * @see You et al. (2020), algorithm 2. https://arxiv.org/abs/1904.00962
 */
export class LAMB extends FormulaOptimizer<LAMBOptions, LAMBState> {
  constructor(params: ParamsInput<LAMBOptions>, options: OptimizerOptions<LAMBOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check(options: LAMBOptions): void {
    super.check(options);
    requireBetas('LAMB', options.betas);
    requireNonNegative('LAMB', { eps: options.eps });
  }

  protected override isDecoupled(): boolean {
    return true;
  }

  protected override createState(param: Tensor): LAMBState {
    return { step: scalarState(param), expAvg: zerosLike(param), expAvgSq: zerosLike(param) };
  }

  protected override next(
    { param, grad, ...state }: Before<LAMBState>,
    { lr, betas: [beta1, beta2], eps, weightDecay }: LAMBOptions,
  ): After<LAMBState> {
    const step = add(state.step, 1);
    const expAvg = lerp(state.expAvg, grad, 1 - beta1);
    const expAvgSq = lerp(state.expAvgSq, mul(grad, grad), 1 - beta2);
    const adam = div(
      div(expAvg, biasCorrection(beta1, step)),
      add(sqrt(div(expAvgSq, biasCorrection(beta2, step))), eps),
    );
    const direction = add(adam, mul(param, weightDecay));
    const [length, reach] = [norm(param), norm(direction)];
    const trust = where(equal(length, 0), 1, where(equal(reach, 0), 1, div(length, reach)));
    return { param: sub(param, mul(mul(direction, trust), lr)), step, expAvg, expAvgSq };
  }
}
