import { type Device, full, noGrad, scope, type Tensor, update } from '@halfgrad/core';
import type { ScalerSettings } from './scaler-options.ts';

/** What a scaler remembers between iterations, as numbers. */
export interface ScaleNumbers {
  readonly scale: number;
  readonly growthTracker: number;
  readonly skipTracker: number;
}

/** The loss scale and its counters, on a device. */
export class ScaleState {
  readonly scale: Tensor;
  readonly #growthTracker: Tensor;
  readonly #skipTracker: Tensor;

  constructor(device: Device, { scale, growthTracker, skipTracker }: ScaleNumbers) {
    this.scale = full([], scale, { device }).keep();
    this.#growthTracker = full([], growthTracker, { device, dtype: 'int32' }).keep();
    this.#skipTracker = full([], skipTracker, { device, dtype: 'int32' }).keep();
  }

  get device(): Device {
    return this.scale.device;
  }

  /** One iteration's growth or backoff, for the flags of all its optimizers. */
  update(flags: readonly Tensor[], settings: ScalerSettings): void {
    const isStatic = settings.mode === 'static';
    scope(() => {
      const foundInf = noGrad(() => flags.reduce((total, flag) => total.add(flag)));
      const tensors = { scale: this.scale, growthTracker: this.#growthTracker, skipTracker: this.#skipTracker };
      update(
        'updateScale',
        { ...tensors, foundInf },
        {
          growthFactor: isStatic ? 1 : settings.growthFactor,
          backoffFactor: isStatic ? 1 : settings.backoffFactor,
          growthInterval: settings.growthInterval,
          hysteresis: settings.hysteresis,
          // Without a budget nothing depends on the count, which then says how many steps were skipped in a row.
          consecutiveHysteresis: settings.consecutiveHysteresis || settings.hysteresis === 1,
          uncountedSteps: settings.uncountedSteps,
          minScale: settings.minScale,
          maxScale: settings.maxScale,
        },
      );
    });
  }

  setScale(value: number | Tensor): void {
    scope(() => {
      const source = typeof value === 'number' ? full([], value, { device: this.device }) : value.detach().reshape([]);
      update('assign', { target: this.scale, source });
    });
  }

  read(): ScaleNumbers {
    return {
      scale: this.scale.item(),
      growthTracker: this.#growthTracker.item(),
      skipTracker: this.#skipTracker.item(),
    };
  }

  async readLater(): Promise<ScaleNumbers> {
    const tensors = [this.scale, this.#growthTracker, this.#skipTracker];
    const [scale, growthTracker, skipTracker] = await Promise.all(tensors.map((tensor) => tensor.data()));
    return {
      scale: scale?.[0] as number,
      growthTracker: growthTracker?.[0] as number,
      skipTracker: skipTracker?.[0] as number,
    };
  }

  dispose(): void {
    for (const tensor of [this.scale, this.#growthTracker, this.#skipTracker]) tensor.dispose();
  }
}
