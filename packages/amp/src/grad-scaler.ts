import { clone, type Device, full, type LossScale, scope, type Tensor, TensorError, update } from '@halfgrad/core';
import { CollapseAlarm } from './collapse-alarm.ts';
import { gradientsOf, type NamedGradient, refuseClosure, type ScalableOptimizer } from './scalable-optimizer.ts';
import { type ScaleNumbers, ScaleState } from './scale-state.ts';
import { ScaledGrads } from './scaled-grads.ts';
import { type Losses, mapLosses } from './scaled-losses.ts';
import { checkScalerOptions, type GradScalerOptions, type ScalerSettings } from './scaler-options.ts';
import { StepResult } from './step-result.ts';

/** The state of `torch.amp.GradScaler`, under PyTorch's names, so that checkpoints move between the two (AMP.md B6.2). */
export interface GradScalerState {
  readonly scale: number;
  readonly growth_factor: number;
  readonly backoff_factor: number;
  readonly growth_interval: number;
  readonly _growth_tracker: number;
  /** Skipped steps that count against `hysteresis`; PyTorch has none, and does not mind. */
  readonly _skip_tracker?: number;
}

/** What an optimizer has been through since the last `update` (AMP.md B4). */
interface OptimizerRecord {
  stage: 'unscaled' | 'stepped';
  readonly foundInf: Tensor;
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
 * The scale, its counters and the found-inf flags stay on the device; only asking for a value waits for it. Gradients
 * remember the scale they were made with, so that steps in the wrong order are errors. With `enabled: false` every method
 * is transparent (AMP.md B10).
 */
export class GradScaler {
  readonly #records: Map<ScalableOptimizer, OptimizerRecord> = new Map();
  /** Who has unscaled which parameter's gradient since the last `update`. */
  readonly #unscaledBy: Map<Tensor, ScalableOptimizer> = new Map();
  /** The last result of each optimizer: what an earlier one has not been asked for is given back. */
  readonly #results: Map<ScalableOptimizer, StepResult> = new Map();
  #settings: ScalerSettings;
  #initial: ScaleNumbers;
  #state: ScaleState | undefined;
  #mark: LossScale = this.#createMark();
  #alarm = new CollapseAlarm();

  /** @throws TensorError `invalid-argument` naming the option that is out of range. */
  constructor(options: GradScalerOptions = {}) {
    this.#settings = checkScalerOptions(options);
    const { initScale, uncountedSteps } = this.#settings;
    this.#initial = { scale: initScale, growthTracker: uncountedSteps === 0 ? 0 : -uncountedSteps, skipTracker: 0 };
  }

  get isEnabled(): boolean {
    return this.#settings.enabled;
  }

  /** The options in force, defaults included. */
  get settings(): Readonly<ScalerSettings> {
    return this.#settings;
  }

  /**
   * Changes options from the next `update` on; the scale and its counters stay.
   *
   * @throws TensorError `invalid-argument` naming the option that is out of range; then nothing changed.
   */
  configure(options: Omit<GradScalerOptions, 'initScale' | 'enabled'>): void {
    this.#settings = checkScalerOptions({ ...this.#settings, ...options });
  }

  /**
   * The loss times the scale; of several in lists or records, each. A 0-dim 16-bit loss gives float32, so the product
   * cannot overflow (AMP.md B2.3).
   *
   * @throws TensorError `scaler-state` when the loss changes device between two calls, `invalid-argument` for what is no tensor.
   */
  scale<L extends Losses>(losses: L): L {
    return this.#settings.enabled ? mapLosses(losses, (loss) => this.#scaleOne(loss)) : losses;
  }

  /**
   * `scale(loss).backward()`, for the typed flow: only `unscale()` of what it returns gives gradients that can be clipped
   * and stepped, so that a wrong order does not compile.
   */
  backward<O extends object>(loss: Tensor, optimizer: ScalableOptimizer<O>): ScaledGrads<O> {
    this.scale(loss).backward();
    return new ScaledGrads(this, optimizer);
  }

  /**
   * Divides the gradients of the optimizer's parameters by the scale, in place, and notes whether all are finite.
   *
   * `step` does it too; call it before clipping (AMP.md B7.1).
   *
   * @throws TensorError `scaler-state` before any `scale`, a second time before `update`, or for a parameter that another
   *   optimizer has unscaled (B3.1, B3.2, B3.6); `mixed-loss-scales` for gradients of another iteration or scaler;
   *   `dtype-mismatch` for float16 gradients (B3.4). Then no gradient changed.
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
   * @param options passed on to `optimizer.step`.
   * @returns whether the step was taken, and why not. Its fields are read from the device when they are asked for.
   * @throws TensorError `scaler-state` before any `scale`, a second time before `update`, or when no parameter has a
   *   gradient; `unsupported` for a closure (B4.2).
   */
  step<O extends object>(optimizer: ScalableOptimizer<O>, options?: O): StepResult {
    if (!this.#settings.enabled) {
      optimizer.step(options);
      return StepResult.taken();
    }
    refuseClosure([options]);
    const earlier = this.#records.get(optimizer);
    if (earlier?.stage === 'stepped') {
      throw new TensorError(
        'scaler-state',
        'GradScaler.step: step has already been called on this optimizer since the last update. Call update() at the end of each iteration.',
      );
    }
    if (!earlier) this.unscale(optimizer);
    const record = this.#records.get(optimizer) as OptimizerRecord;
    const { foundInf } = record;
    if (earlier && this.#settings.recheckAfterUnscale) recheck(gradientsOf(optimizer), foundInf);
    const { scale } = this.#requireState('step');
    const result = new StepResult(foundInf, clone(scale).keep(), gradientsOf(optimizer), this.#settings.onSkip);
    this.#results.get(optimizer)?.expire();
    this.#results.set(optimizer, result);
    optimizer.step({ ...(options as O), foundInf });
    record.stage = 'stepped';
    return result;
  }

  /**
   * Ends the iteration: backs the scale off if any optimizer found a value that is not finite, else counts a good step and
   * grows it after `growthInterval` of them. `newScale` sets it instead and keeps the count (AMP.md B5).
   *
   * @throws TensorError `scaler-state` when no optimizer was unscaled or stepped since the last one; `invalid-argument` for
   *   a scale that is no finite number above 0, or no tensor of one element; `scale-collapsed` with `onCollapse: 'error'`.
   */
  update(newScale?: number | Tensor): void {
    if (!this.#settings.enabled) return;
    const state = this.#requireState('update');
    if (newScale !== undefined) state.setScale(checkNewScale(newScale));
    else {
      const flags = Array.from(this.#records.values(), ({ foundInf }) => foundInf);
      if (flags.length === 0) {
        throw new TensorError(
          'scaler-state',
          'GradScaler.update: no gradients were checked since the last update. Call step(optimizer) first.',
        );
      }
      state.update(flags, this.#settings);
    }
    this.#endIteration();
    if (newScale !== undefined || this.#settings.mode === 'dynamic') this.#mark = this.#createMark();
    if (newScale === undefined) this.#alarm.afterUpdate(state, this.#settings);
  }

  /** The scale now; 1 when disabled. Waits for the device (AMP.md B6.1). */
  getScale(): number {
    if (!this.#settings.enabled) return 1;
    return this.#state ? this.#state.scale.item() : this.#initial.scale;
  }

  /** The scale and its settings under PyTorch's names; empty when disabled (AMP.md B6.2). Waits for the device. */
  stateDict(): GradScalerState | Record<string, never> {
    const { enabled, growthFactor, backoffFactor, growthInterval, hysteresis } = this.#settings;
    if (!enabled) return {};
    const { scale, growthTracker, skipTracker } = this.#state?.read() ?? this.#initial;
    return {
      scale,
      growth_factor: growthFactor,
      backoff_factor: backoffFactor,
      growth_interval: growthInterval,
      _growth_tracker: growthTracker,
      ...(hysteresis > 1 && { _skip_tracker: skipTracker }),
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
    this.#settings = checkScalerOptions({
      ...this.#settings,
      initScale: loaded.scale,
      growthFactor: loaded.growth_factor,
      backoffFactor: loaded.backoff_factor,
      growthInterval: loaded.growth_interval,
    });
    const { scale, _growth_tracker: growthTracker, _skip_tracker: skipTracker = 0 } = loaded;
    this.#initial = { scale, growthTracker, skipTracker };
    this.#state?.dispose();
    this.#state = undefined;
    this.#mark = this.#createMark();
    this.#alarm = new CollapseAlarm();
    this.#endIteration();
  }

  #scaleOne(loss: Tensor): Tensor {
    const scaled = loss.mul(this.#stateOn(loss.device).scale);
    scaled.lossScale = this.#mark;
    return scaled;
  }

  #createMark(): LossScale {
    const mark: LossScale = {
      // After an update nobody knows any more what the scale was.
      read: () => (this.#mark === mark && this.#state?.device.downloadSync ? this.getScale() : undefined),
    };
    return mark;
  }

  #endIteration(): void {
    for (const { stage, foundInf } of this.#records.values()) if (stage === 'unscaled') foundInf.dispose();
    this.#records.clear();
    this.#unscaledBy.clear();
  }

  #stateOn(device: Device): ScaleState {
    if (this.#state && this.#state.device !== device) {
      throw new TensorError(
        'scaler-state',
        `GradScaler.scale: the loss is on ${device.name}, the scale on ${this.#state.device.name}. Use one scaler per device.`,
      );
    }
    this.#state ??= new ScaleState(device, this.#initial);
    return this.#state;
  }

  #requireState(method: string): ScaleState {
    if (!this.#state) {
      throw new TensorError(
        'scaler-state',
        `GradScaler.${method}: nothing was scaled yet. Call scaler.scale(loss).backward() first.`,
      );
    }
    return this.#state;
  }

  #unscaleGradients(optimizer: ScalableOptimizer): Tensor {
    const { scale } = this.#requireState('unscale');
    const gradients = gradientsOf(optimizer);
    requireGradients(gradients, optimizer);
    for (const gradient of gradients) this.#requireScaled(gradient);
    const foundInf = full([], 0, { device: scale.device }).keep();
    scope(() => {
      update('unscaleAndCheck', { grads: gradients.map(({ grad }) => grad.detach()), scale, foundInf });
    });
    for (const { param, grad } of gradients) {
      grad.lossScale = 'unscaled';
      this.#unscaledBy.set(param, optimizer);
    }
    return foundInf;
  }

  /** A gradient that was set by hand carries no mark, and is taken to be scaled. */
  #requireScaled({ name, param, grad: { lossScale } }: NamedGradient): void {
    if (this.#unscaledBy.has(param)) {
      throw new TensorError(
        'scaler-state',
        `GradScaler.unscale: "${name}" belongs to two optimizers, and the other one has unscaled its gradient. Give each parameter to one optimizer.`,
      );
    }
    if (lossScale === 'unscaled') {
      throw new TensorError(
        'scaler-state',
        `GradScaler.unscale: the gradient of "${name}" was already unscaled, and nothing was added to it since. Call optimizer.zeroGrad() at the start of each iteration.`,
      );
    }
    if (lossScale && lossScale !== this.#mark) {
      throw new TensorError(
        'mixed-loss-scales',
        `GradScaler.unscale: the gradient of "${name}" carries another scale than this scaler's: update() ran since backward, or another scaler made it. Call step(optimizer) before update().`,
      );
    }
  }
}

function requireGradients(gradients: readonly NamedGradient[], optimizer: ScalableOptimizer): void {
  if (gradients.length === 0) {
    const names = Array.from(optimizer.namedParameters(), ([name]) => name);
    throw new TensorError(
      'scaler-state',
      `GradScaler.step: none of the optimizer's ${names.length} parameters has a gradient, first "${names[0]}". Was it built from the model that computed this loss, and was backward called?`,
    );
  }
  const half = gradients.filter(({ grad }) => grad.dtype === 'float16');
  if (half.length > 0) {
    throw new TensorError(
      'dtype-mismatch',
      `GradScaler.unscale: ${half.length} parameters have float16 gradients, first "${half[0]?.name}". Keep parameters float32 and use autocast, or give the optimizer float32 master copies.`,
    );
  }
}

/** Raises the flag for what was put into the gradients after they were unscaled. */
function recheck(gradients: readonly NamedGradient[], foundInf: Tensor): void {
  scope(() => {
    const scale = full([], 1, { device: foundInf.device });
    update('unscaleAndCheck', { grads: gradients.map(({ grad }) => grad.detach()), scale, foundInf });
  });
}

function checkNewScale(value: number | Tensor): number | Tensor {
  const isOne =
    typeof value === 'number' ? value > 0 && Number.isFinite(value) : value.size === 1 && !value.requiresGrad;
  if (isOne) return value;
  throw new TensorError(
    'invalid-argument',
    `GradScaler.update: newScale must be a finite number above 0 or a tensor of one element without gradient, got ${String(value)}`,
  );
}
