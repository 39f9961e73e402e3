import { add, cast, computeDType, expm1, full, mul, neg, type Tensor, update } from '@halfgrad/core';
import { Optimizer, type ParamState, type ParamStep } from './optimizer.ts';
import { requireNonNegative } from './options.ts';
import type { RoundingOptions } from './rounding.ts';
import { unrecorded } from './unrecorded.ts';

/** What all optimizers that are written as formulas share. */
export interface FormulaOptions extends RoundingOptions {
  lr: number;
  weightDecay?: number;
  maximize: boolean;
}

/** A parameter, its gradient and its state, as a step finds them. */
export type Before<S> = S & { readonly param: Tensor; readonly grad: Tensor };

/** The parameter and its state, as a step leaves them. */
export type After<S> = S & { readonly param: Tensor };

/**
 * An optimizer given by the formula of its step, in ops that every device has.
 *
 * All new values are computed before any is assigned, and the assignments obey `foundInf`: a skipped step leaves
 * parameters and state bit-identical, and nobody waits to find out.
 */
export abstract class FormulaOptimizer<O extends FormulaOptions, S extends ParamState> extends Optimizer<O, S> {
  /**
   * The values after a step, from those before. Everything is at least float32 and rounded once when it is stored; `grad`
   * is what to descend along, with `weightDecay` added unless it is decoupled.
   */
  protected abstract next(values: Before<S>, options: O): After<S>;

  /** Whether the formula itself shrinks the parameter, instead of adding decay to the gradient. */
  protected isDecoupled(_options: O): boolean {
    return false;
  }

  protected override check({ lr, weightDecay = 0 }: O): void {
    requireNonNegative(this.constructor.name, { lr, weightDecay });
  }

  protected override update({ param, grad, options, state, foundInf }: ParamStep<O, S>): void {
    unrecorded(() => {
      const targets: ParamState = { ...state, param };
      const before = Object.fromEntries(
        Object.entries(targets).map(([name, value]) => [name, cast(value, computeDType(param.dtype))]),
      ) as After<S>;
      const after: ParamState = this.next({ ...before, grad: this.#direction(before.param, grad, options) }, options);
      for (const [name, target] of Object.entries(targets)) {
        update('assign', { target, source: after[name] as Tensor, foundInf });
      }
    });
  }

  #direction(param: Tensor, grad: Tensor, options: O): Tensor {
    const { weightDecay = 0, maximize } = options;
    const wide = cast(grad, param.dtype);
    const descent = maximize ? neg(wide) : wide;
    // Without decay an infinite parameter stays so, as in PyTorch: 0 · ∞ would be NaN.
    return weightDecay === 0 || this.isDecoupled(options) ? descent : add(descent, mul(param, weightDecay));
  }
}

/** A step counter or another number that is the same for all elements: float32, as PyTorch keeps it. */
export function scalarState({ device }: Tensor, value = 0): Tensor {
  return full([], value, { device });
}

/** The bias correction `1 − βᵗ` of an average that began at zero, without the cancellation of that formula near β = 1. */
export function biasCorrection(beta: number, t: Tensor): Tensor {
  return neg(expm1(mul(t, Math.log(beta))));
}
