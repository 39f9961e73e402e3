import { type Tensor, update, zeros, zerosLike } from '@halfgrad/core';
import { Optimizer, type OptimizerOptions, type ParamStep } from './optimizer.ts';
import { requireBetas, requireNonNegative } from './options.ts';
import type { ParamsInput } from './param-groups.ts';
import type { RoundingOptions } from './rounding.ts';

export interface AdamOptions extends RoundingOptions {
  lr: number;
  /** How slowly the averages of the gradient and of its square forget. */
  betas: readonly [beta1: number, beta2: number];
  /** Keeps the division finite; state and arithmetic are at least float32, where 1e-8 is not zero. */
  eps: number;
  weightDecay: number;
  /** Divides by the largest average square so far (Reddi et al. 2018). */
  amsgrad: boolean;
  maximize: boolean;
}

type AdamState = {
  readonly step: Tensor;
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
  readonly maxExpAvgSq?: Tensor;
};

const defaults: AdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  amsgrad: false,
  maximize: false,
};

abstract class AdamFamily extends Optimizer<AdamOptions, AdamState> {
  /** Whether weight decay shrinks the parameter itself instead of adding to its gradient. */
  protected abstract get decoupled(): boolean;

  protected override check({ lr, betas, eps, weightDecay }: AdamOptions): void {
    const owner = this.constructor.name;
    requireNonNegative(owner, { lr, eps, weightDecay });
    requireBetas(owner, betas);
  }

  protected override createState(param: Tensor, { amsgrad }: AdamOptions): AdamState {
    return {
      step: zeros([], { device: param.device }),
      expAvg: zerosLike(param),
      expAvgSq: zerosLike(param),
      ...(amsgrad && { maxExpAvgSq: zerosLike(param) }),
    };
  }

  protected override update({ param, grad, options, state, foundInf }: ParamStep<AdamOptions, AdamState>): void {
    const { lr, betas, eps, weightDecay, maximize } = options;
    const { step, expAvg, expAvgSq, maxExpAvgSq } = state;
    update(
      'adamStep',
      { param, grad, expAvg, expAvgSq, maxExpAvgSq, step, foundInf },
      { lr, beta1: betas[0], beta2: betas[1], eps, weightDecay, maximize, decoupled: this.decoupled },
    );
  }
}

/**
 * Adam, with weight decay added to the gradient (`torch.optim.Adam`).
 *
 * @see Kingma & Ba (2015), algorithm 1. https://arxiv.org/abs/1412.6980
 */
export class Adam extends AdamFamily {
  constructor(params: ParamsInput<AdamOptions>, options: OptimizerOptions<AdamOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override get decoupled(): boolean {
    return false;
  }
}

/**
 * Adam with weight decay applied to the parameter, by default 0.01 (`torch.optim.AdamW`).
 *
 * @see Loshchilov & Hutter (2019), algorithm 2. https://arxiv.org/abs/1711.05101
 */
export class AdamW extends AdamFamily {
  constructor(params: ParamsInput<AdamOptions>, options: OptimizerOptions<AdamOptions> = {}) {
    super(params, { ...defaults, weightDecay: 0.01, ...options });
  }

  protected override get decoupled(): boolean {
    return true;
  }
}
