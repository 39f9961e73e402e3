import type { Tensor } from '@halfgrad/core';
import type { ScalableOptimizer } from './scalable-optimizer.ts';
import type { StepResult } from './step-result.ts';

/** The methods of `GradScaler` that the typed flow goes through. */
interface Scaler {
  unscale(optimizer: ScalableOptimizer): void;
  step<O extends object>(optimizer: ScalableOptimizer<O>, options?: O): StepResult;
}

/** Gradients that still carry the loss scale: all they can do is lose it. */
export class ScaledGrads<O extends object = object> {
  readonly #scaler: Scaler;
  readonly #optimizer: ScalableOptimizer<O>;

  /** @internal Use `scaler.backward(loss, optimizer)`. */
  constructor(scaler: Scaler, optimizer: ScalableOptimizer<O>) {
    this.#scaler = scaler;
    this.#optimizer = optimizer;
  }

  /** Divides the gradients by the scale, in place. Call it on the last micro-batch's only. */
  unscale(): Grads<O> {
    this.#scaler.unscale(this.#optimizer);
    return new Grads(this.#scaler, this.#optimizer);
  }
}

/** True gradients, ready to be clipped and stepped. */
export class Grads<O extends object = object> {
  readonly #scaler: Scaler;
  readonly #optimizer: ScalableOptimizer<O>;

  /** @internal Use `scaledGrads.unscale()`. */
  constructor(scaler: Scaler, optimizer: ScalableOptimizer<O>) {
    this.#scaler = scaler;
    this.#optimizer = optimizer;
  }

  /** Clips with any function of parameters: `grads.clip((params) => clipGradNorm(params, 1))`. */
  clip(clipper: (params: readonly Tensor[]) => unknown): this {
    clipper(Array.from(this.#optimizer.namedParameters(), ([, param]) => param));
    return this;
  }

  /** See `GradScaler.step`. */
  step(options?: O): StepResult {
    return this.#scaler.step(this.#optimizer, options);
  }
}
