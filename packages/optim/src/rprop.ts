import {
  add,
  clamp,
  full,
  greater,
  less,
  mul,
  sign,
  sub,
  type Tensor,
  TensorError,
  where,
  zerosLike,
} from '@halfgrad/core';
import { type After, type Before, FormulaOptimizer, type FormulaOptions, scalarState } from './formula-optimizer.ts';
import type { OptimizerOptions } from './optimizer.ts';
import type { ParamsInput } from './param-groups.ts';

export interface RpropOptions extends FormulaOptions {
  /** The factors by which a step size shrinks and grows. */
  etas: readonly [shrink: number, grow: number];
  stepSizes: readonly [min: number, max: number];
}

type RpropState = { readonly step: Tensor; readonly prev: Tensor; readonly stepSize: Tensor };

const defaults: RpropOptions = { lr: 1e-2, etas: [0.5, 1.2], stepSizes: [1e-6, 50], maximize: false };

/**
 * A step size per element, which grows while the gradient keeps its sign and shrinks when it turns (`torch.optim.Rprop`).
 * For gradients of the whole data set: their magnitude does not count. `lr` is the first step size.
 *
 * @see Riedmiller & Braun (1993). https://doi.org/10.1109/ICNN.1993.298623
 */
export class Rprop extends FormulaOptimizer<RpropOptions, RpropState> {
  constructor(params: ParamsInput<RpropOptions>, options: OptimizerOptions<RpropOptions> = {}) {
    super(params, { ...defaults, ...options });
  }

  protected override check(options: RpropOptions): void {
    super.check(options);
    const { etas, stepSizes } = options;
    const [shrink, grow] = etas;
    if (!(shrink > 0 && shrink < 1 && grow > 1)) {
      throw new TensorError('invalid-argument', `Rprop: etas are [${etas}]. Use one between 0 and 1 and one above 1.`);
    }
    if (!(stepSizes[0] >= 0 && stepSizes[0] <= stepSizes[1])) {
      throw new TensorError(
        'invalid-argument',
        `Rprop: stepSizes are [${stepSizes}]. Use a smallest and a largest one.`,
      );
    }
  }

  protected override createState(param: Tensor, { lr }: RpropOptions): RpropState {
    const { shape, dtype, device } = param;
    return {
      step: scalarState(param),
      prev: zerosLike(param),
      stepSize: full(shape, lr, { dtype, device }),
    };
  }

  protected override next(
    { param, grad, step, prev, ...state }: Before<RpropState>,
    { etas: [shrink, grow], stepSizes: [min, max] }: RpropOptions,
  ): After<RpropState> {
    const agreement = mul(grad, prev);
    const turned = less(agreement, 0);
    const kept = where(greater(agreement, 0), mul(state.stepSize, grow), state.stepSize);
    const stepSize = clamp(where(turned, mul(state.stepSize, shrink), kept), { min, max });
    // After a turn an element stands still once, and starts again in either direction.
    const used = where(turned, 0, grad);
    return { param: sub(param, mul(sign(used), stepSize)), step: add(step, 1), prev: used, stepSize };
  }
}
