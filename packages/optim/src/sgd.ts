import { ones, type Tensor, TensorError, update, zeros, zerosLike } from '@halfgrad/core';
import { Optimizer, type OptimizerOptions, type ParamState, type ParamStep } from './optimizer.ts';
import { requireNonNegative } from './options.ts';
import type { ParamsInput } from './param-groups.ts';
import type { RoundingOptions } from './rounding.ts';

export interface SGDOptions extends RoundingOptions {
  lr: number;
  /** The share of the previous direction that each step keeps. */
  momentum: number;
  /** How much less than 1 a new gradient weighs in the direction. */
  dampening: number;
  weightDecay: number;
  /** Looks ahead along the direction before stepping. */
  nesterov: boolean;
  maximize: boolean;
}

const defaults: SGDOptions = {
  lr: 1e-3,
  momentum: 0,
  dampening: 0,
  weightDecay: 0,
  nesterov: false,
  maximize: false,
};

/** Only momentum needs a state; `step` tells its first step from the others. */
type SGDState = { readonly momentumBuffer?: Tensor; readonly step?: Tensor };

/**
 * Stochastic gradient descent with momentum, as `torch.optim.SGD` computes it.
 *
 * @see Sutskever et al. (2013), where the learning rate multiplies the velocity differently.
 *   https://proceedings.mlr.press/v28/sutskever13.html
 */
export class SGD extends Optimizer<SGDOptions, SGDState> {
  constructor(params: ParamsInput<SGDOptions>, options: OptimizerOptions<SGDOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check({ lr, momentum, dampening, weightDecay, nesterov }: SGDOptions): void {
    requireNonNegative('SGD', { lr, momentum, weightDecay });
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new TensorError(
        'invalid-argument',
        `SGD: nesterov needs momentum and no dampening, got momentum ${momentum} and dampening ${dampening}`,
      );
    }
  }

  protected override createState(param: Tensor, { momentum }: SGDOptions): SGDState {
    return momentum === 0 ? {} : { momentumBuffer: zerosLike(param), step: zeros([], { device: param.device }) };
  }

  protected override update({ param, grad, options, state, foundInf }: ParamStep<SGDOptions, SGDState>): void {
    const { lr, momentum, dampening, weightDecay, nesterov, maximize } = options;
    const { momentumBuffer, step } = state;
    update(
      'sgdStep',
      { param, grad, momentumBuffer, step, foundInf },
      { lr, momentum, dampening, weightDecay, nesterov, maximize },
    );
  }

  /** PyTorch's SGD saves no step: a buffer that it saved is past its first. */
  protected override completeState(saved: ParamState): ParamState {
    const [buffer] = Object.values(saved);
    return buffer ? { step: ones([], { device: buffer.device }), ...saved } : saved;
  }
}
