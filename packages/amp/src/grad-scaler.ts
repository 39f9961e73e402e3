import { clone, type Device, full, noGrad, scope, type Tensor, TensorError, update } from '@halfgrad/core';
import { checkScalerOptions, type GradScalerOptions, type ScalerSettings } from './scaler-options.ts';
import { StepResult } from './step-result.ts';

/** What the scaler needs to know of an optimizer. */
export interface ScalableOptimizer {
  /** The parameters with their names, for error messages and reports. */
  namedParameters(): Iterable<readonly [string, Tensor]>;
  /** Updates the parameters from their gradients; with a `foundInf` that is not zero it must change nothing at all. */
  step(options?: { readonly foundInf?: Tensor }): void;
}

/** The state of `torch.amp.GradScaler`, under PyTorch's names, so that checkpoints move between the two (AMP.md B6.2). */
export interface GradScalerState {
  readonly scale: number;
  readonly growth_factor: number;
  readonly backoff_factor: number;
  readonly growth_interval: number;
  readonly _growth_tracker: number;
}

/** What an optimizer has been through since the last `update` (AMP.md B4). */
interface OptimizerRecord {
  stage: 'unscaled' | 'stepped';
  readonly foundInf: Tensor;
}

interface ScaleTensors {
  readonly scale: Tensor;
  readonly growthTracker: Tensor;
}

/**
 * Dynamic loss scaling (`torch.amp.GradScaler`; Micikevicius et al. 2018, section 3.2).
 *
 * Small float16 gradients would flush to zero: the loss is multiplied by a scale before backward, and the gradients are
 * divided by it before the optimizer sees them. A step whose gradients are not finite is skipped and the scale backs off;
 * after enough good steps it grows.
 *
 *     optimizer.zeroGrad();
 *     const loss = autocast({}, () => crossEntropy(model.forward(x), y));
 *     scaler.scale(loss).backward();
 *     const result = scaler.step(optimizer);
 *     scaler.update();
 *
 * The scale, the growth tracker and the found-inf flags stay on the device; only asking for a value waits for it.
 * With `enabled: false` every method is transparent (AMP.md B10).
 */
export class GradScaler {
  readonly #settings: ScalerSettings;
  readonly #records: Map<ScalableOptimizer, OptimizerRecord> = new Map();
  /** The last result of each optimizer: what an earlier one has not been asked for is given back. */
  readonly #results: Map<ScalableOptimizer, StepResult> = new Map();
  #initial: { readonly scale: number; readonly growthTracker: number };
  #tensors: ScaleTensors | undefined;

  /** @throws TensorError `invalid-argument` naming the option that is out of range. */
  constructor(options: GradScalerOptions = {}) {
    this.#settings = checkScalerOptions(options);
    this.#initial = { scale: this.#settings.initScale, growthTracker: 0 };
  }

  get isEnabled(): boolean {
    return this.#settings.enabled;
  }

  /**
   * The loss times the scale. A 0-dim 16-bit loss gives float32, so the product cannot overflow (AMP.md B2.3).
   *
   * @throws TensorError `scaler-state` when the loss changes device between two calls.
   */
  scale(loss: Tensor): Tensor {
    return this.#settings.enabled ? loss.mul(this.#tensorsOn(loss.device).scale) : loss;
  }

  /**
   * Divides the gradients of the optimizer's parameters by the scale, in place, and notes whether all are finite.
   *
   * `step` does it too; call it before clipping (AMP.md B7.1).
   *
   * @throws TensorError `scaler-state` before any `scale`, or a second time before `update` (B3.1, B3.2);
   *   `dtype-mismatch` for float16 gradients (B3.4).
   */
  unscale(optimizer: ScalableOptimizer): void {
    if (!this.#settings.enabled) return;
    const record = this.#records.get(optimizer);
    if (record) {
      const problem =
        record.stage === 'stepped' ? 'is being called after step' : 'has already been called on this optimizer';
      throw new TensorError(
        'scaler-state',
        `GradScaler.unscale: unscale ${problem} since the last update. Call it once per iteration, before step.`,
      );
    }
    this.#records.set(optimizer, { stage: 'unscaled', foundInf: this.#unscaleGradients(optimizer) });
  }

  /**
   * Unscales the gradients if that has not been done, and runs `optimizer.step` unless one of them was not finite.
   *
   * Gradients are not zeroed; after a skipped step they still hold what was found (AMP.md B4.5).
   *
   * @returns whether the step was taken, and why not. Its fields are read from the device when they are asked for.
   * @throws TensorError `scaler-state` before any `scale`, a second time before `update`, or when no parameter has a gradient.
   */
  step(optimizer: ScalableOptimizer): StepResult {
    if (!this.#settings.enabled) {
      optimizer.step();
      return StepResult.taken();
    }
    if (this.#records.get(optimizer)?.stage === 'stepped') {
      throw new TensorError(
        'scaler-state',
        'GradScaler.step: step has already been called on this optimizer since the last update. Call update() at the end of each iteration.',
      );
    }
    if (!this.#records.has(optimizer)) this.unscale(optimizer);
    const record = this.#records.get(optimizer) as OptimizerRecord;
    const { scale } = this.#requireTensors('step');
    const result = new StepResult(record.foundInf, clone(scale).keep(), gradientsOf(optimizer));
    this.#results.get(optimizer)?.expire();
    this.#results.set(optimizer, result);
    optimizer.step({ foundInf: record.foundInf });
    record.stage = 'stepped';
    return result;
  }

  /**
   * Ends the iteration: backs the scale off if any optimizer found a value that is not finite, else counts a good step and
   * grows it after `growthInterval` of them. `newScale` sets it instead and keeps the count (AMP.md B5).
   *
   * @throws TensorError `scaler-state` when no optimizer was unscaled or stepped since the last one.
   */
  update(newScale?: number): void {
    if (!this.#settings.enabled) return;
    const tensors = this.#requireTensors('update');
    if (newScale !== undefined) this.#setScale(tensors.scale, newScale);
    else {
      const flags = Array.from(this.#records.values(), ({ foundInf }) => foundInf);
      if (flags.length === 0) {
        throw new TensorError(
          'scaler-state',
          'GradScaler.update: no gradients were checked since the last update. Call step(optimizer) first.',
        );
      }
      scope(() => {
        const foundInf = noGrad(() => flags.reduce((total, flag) => total.add(flag)));
        update('updateScale', { ...tensors, foundInf }, this.#settings);
      });
    }
    for (const { stage, foundInf } of this.#records.values()) if (stage === 'unscaled') foundInf.dispose();
    this.#records.clear();
  }

  /** The scale now; 1 when disabled. Waits for the device (AMP.md B6.1). */
  getScale(): number {
    if (!this.#settings.enabled) return 1;
    return this.#tensors ? this.#tensors.scale.item() : this.#initial.scale;
  }

  /** The scale and its settings under PyTorch's names; empty when disabled (AMP.md B6.2). Waits for the device. */
  stateDict(): GradScalerState | Record<string, never> {
    const { enabled, growthFactor, backoffFactor, growthInterval } = this.#settings;
    if (!enabled) return {};
    return {
      scale: this.getScale(),
      growth_factor: growthFactor,
      backoff_factor: backoffFactor,
      growth_interval: growthInterval,
      _growth_tracker: this.#tensors ? this.#tensors.growthTracker.item() : this.#initial.growthTracker,
    };
  }

  /** @throws TensorError `scaler-state` for the empty state of a disabled scaler (AMP.md B6.3). Nothing changes then. */
  loadStateDict(state: GradScalerState | Record<string, never>): void {
    if (!this.#settings.enabled) return;
    if (!('scale' in state)) {
      throw new TensorError(
        'scaler-state',
        'GradScaler.loadStateDict: the state is empty, as a disabled scaler writes it. Use enabled: false, or start fresh.',
      );
    }
    const loaded = state as GradScalerState;
    const settings = checkScalerOptions({
      ...this.#settings,
      initScale: loaded.scale,
      growthFactor: loaded.growth_factor,
      backoffFactor: loaded.backoff_factor,
      growthInterval: loaded.growth_interval,
    });
    Object.assign(this.#settings, settings);
    this.#initial = { scale: loaded.scale, growthTracker: loaded._growth_tracker };
    this.#tensors = undefined;
    this.#records.clear();
  }

  #tensorsOn(device: Device): ScaleTensors {
    if (this.#tensors && this.#tensors.scale.device !== device) {
      throw new TensorError(
        'scaler-state',
        `GradScaler.scale: the loss is on ${device.name}, the scale on ${this.#tensors.scale.device.name}. Use one scaler per device.`,
      );
    }
    this.#tensors ??= {
      scale: full([], this.#initial.scale, { device }).keep(),
      growthTracker: full([], this.#initial.growthTracker, { device, dtype: 'int32' }).keep(),
    };
    return this.#tensors;
  }

  #requireTensors(method: string): ScaleTensors {
    if (!this.#tensors) {
      throw new TensorError(
        'scaler-state',
        `GradScaler.${method}: nothing was scaled yet. Call scaler.scale(loss).backward() first.`,
      );
    }
    return this.#tensors;
  }

  #setScale(scale: Tensor, value: number): void {
    if (!(value > 0 && Number.isFinite(value))) {
      throw new TensorError(
        'invalid-argument',
        `GradScaler.update: newScale must be a finite number above 0, got ${value}`,
      );
    }
    scope(() => update('assign', { target: scale, source: full([], value, { device: scale.device }) }));
  }

  #unscaleGradients(optimizer: ScalableOptimizer): Tensor {
    const { scale } = this.#requireTensors('unscale');
    const named = gradientsOf(optimizer);
    if (named.length === 0) {
      throw new TensorError(
        'scaler-state',
        'GradScaler.step: no parameter of the optimizer has a gradient. Was it built from the model that computed this loss, and was backward called?',
      );
    }
    const half = named.filter(([, grad]) => grad.dtype === 'float16').map(([name]) => name);
    if (half.length > 0) {
      throw new TensorError(
        'dtype-mismatch',
        `GradScaler.unscale: ${half.length} parameters have float16 gradients, first "${half[0]}". Keep parameters float32 and use autocast, or give the optimizer float32 master copies.`,
      );
    }
    const foundInf = full([], 0, { device: scale.device }).keep();
    scope(() => {
      update('unscaleAndCheck', { grads: named.map(([, grad]) => grad.detach()), scale, foundInf });
    });
    return foundInf;
  }
}

function gradientsOf(optimizer: ScalableOptimizer): (readonly [string, Tensor])[] {
  return Array.from(optimizer.namedParameters()).flatMap(([name, { grad }]) => (grad ? [[name, grad] as const] : []));
}
