import type { HalfDType, Tensor } from '@halfgrad/core';
import { type AutocastOptions, autocast } from './autocast.ts';
import { GradScaler } from './grad-scaler.ts';
import { MasterWeights } from './master-weights.ts';
import type { CastOptions, TrainableModel } from './precision-model.ts';
import type { ScalableOptimizer } from './scalable-optimizer.ts';
import type { GradScalerOptions } from './scaler-options.ts';
import type { StepResult } from './step-result.ts';
import { castFloats, widenHalves } from './tensor-tree.ts';

/** How a model is trained; see `precision`. */
interface Preparation {
  readonly weights: HalfDType | undefined;
  readonly keepFloat32: NonNullable<CastOptions['except']>;
  readonly hasMasters: boolean;
  readonly region: AutocastOptions;
  readonly scaler: GradScalerOptions;
}

/** A model cast for a precision, and what its training loop calls instead of its own casts and scales. */
export class PreparedModel<Inputs extends readonly unknown[], Output> {
  readonly model: TrainableModel<Inputs, Output>;
  /** For its state in checkpoints, and to ask for the scale; disabled where the precision has none. */
  readonly scaler: GradScaler;
  readonly #weights: HalfDType | undefined;
  readonly #region: AutocastOptions;
  readonly #masters: MasterWeights | undefined;

  /** @internal Use `precision(name).prepare(model)`. */
  constructor(
    model: TrainableModel<Inputs, Output>,
    { weights, keepFloat32, hasMasters, region, scaler }: Preparation,
  ) {
    this.model = model;
    this.#weights = weights;
    this.#region = region;
    this.scaler = new GradScaler(scaler);
    const originals = Array.from(model.namedParameters());
    if (weights) model.to(weights, { except: keepFloat32 });
    if (hasMasters) this.#masters = new MasterWeights(originals, Array.from(model.namedParameters()));
  }

  /** What the optimizer should update: the master weights where there are any, else the model's parameters. */
  namedParameters(): (readonly [name: string, parameter: Tensor])[] {
    return this.#masters?.named ?? Array.from(this.model.namedParameters());
  }

  /** The model's forward pass in this precision, from inputs in any floating-point dtype to outputs in float32. */
  forward(...inputs: Inputs): Output {
    const fitting = this.#weights ? castFloats(inputs, this.#weights) : inputs;
    return widenHalves(this.region(() => this.model.forward(...fitting)));
  }

  /** Runs `body`, such as a loss with layers of its own, in this precision's region. Losses of core need none. */
  region<R>(body: () => R): R {
    return autocast(this.#region, body);
  }

  /** Adds the gradients of the scaled loss to those of `namedParameters()`. */
  backward(loss: Tensor): void {
    this.scaler.scale(loss).backward();
    this.#masters?.takeGradients();
  }

  /** Takes the loss scale off the gradients, for those who clip them before the step. */
  unscale(optimizer: ScalableOptimizer): void {
    this.scaler.unscale(optimizer);
  }

  /** Updates the parameters, unless a scaled gradient is not finite, and ends the iteration of the scaler. */
  step<O extends object>(optimizer: ScalableOptimizer<O>, options?: O): StepResult {
    const result = this.scaler.step(optimizer, options);
    this.scaler.update();
    this.#masters?.write();
    return result;
  }
}
