import { add, div, lerp, mul, sqrt, sub, type Tensor, zerosLike } from '@halfgrad/core';
import { type After, type Before, FormulaOptimizer, type FormulaOptions, scalarState } from './formula-optimizer.ts';
import type { OptimizerOptions } from './optimizer.ts';
import { requireFractions, requireNonNegative } from './options.ts';
import type { ParamsInput } from './param-groups.ts';

export interface AdadeltaOptions extends FormulaOptions {
  weightDecay: number;
  /** How slowly both averages forget. */
  rho: number;
  eps: number;
}

type AdadeltaState = { readonly step: Tensor; readonly squareAvg: Tensor; readonly accDelta: Tensor };

const defaults: AdadeltaOptions = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false };

/**
 * Steps as long as recent ones were, relative to recent gradients (`torch.optim.Adadelta`).
 *
 *   v = ρv + (1 − ρ)g²,  Δ = √(u + ε) / √(v + ε) · g,  u = ρu + (1 − ρ)Δ²,  p = p − lr · Δ
 *
 * @see Zeiler (2012), algorithm 1. https://arxiv.org/abs/1212.5701
 */
export class Adadelta extends FormulaOptimizer<AdadeltaOptions, AdadeltaState> {
  constructor(params: ParamsInput<AdadeltaOptions>, options: OptimizerOptions<AdadeltaOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check(options: AdadeltaOptions): void {
    super.check(options);
    requireFractions('Adadelta', { rho: options.rho });
    requireNonNegative('Adadelta', { eps: options.eps });
  }

  protected override createState(param: Tensor): AdadeltaState {
    return { step: scalarState(param), squareAvg: zerosLike(param), accDelta: zerosLike(param) };
  }

  protected override next(
    { param, grad, step, squareAvg, accDelta }: Before<AdadeltaState>,
    { lr, rho, eps }: AdadeltaOptions,
  ): After<AdadeltaState> {
    const squares = lerp(squareAvg, mul(grad, grad), 1 - rho);
    const delta = mul(div(sqrt(add(accDelta, eps)), sqrt(add(squares, eps))), grad);
    return {
      param: sub(param, mul(delta, lr)),
      step: add(step, 1),
      squareAvg: squares,
      accDelta: lerp(accDelta, mul(delta, delta), 1 - rho),
    };
  }
}
