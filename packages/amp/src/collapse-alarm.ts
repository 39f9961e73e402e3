import { TensorError } from '@halfgrad/core';
import type { ScaleNumbers, ScaleState } from './scale-state.ts';
import type { ScalerSettings } from './scaler-options.ts';

/** Every runtime has it, but the language's own library does not say so. */
declare const console: { warn(message: string): void };

/**
 * Notices that a scale has collapsed: too many skipped steps in a row, or one more at the floor.
 *
 * It reads the device only when a collapse was possible since the last look: from a healthy scale, once in `collapseAfter`
 * updates. Devices that are read asynchronously are not waited for, and what they say counts at the next update.
 */
export class CollapseAlarm {
  #updatesLeft: number | undefined;
  #highest = 0;
  #skipsAtFloor: number | undefined;
  #isSounded = false;
  #pending: ScaleNumbers | undefined;

  /** @throws TensorError `scale-collapsed` with `onCollapse: 'error'`, after the update that collapsed it. */
  afterUpdate(state: ScaleState, settings: ScalerSettings): void {
    if (settings.onCollapse === 'floor') return;
    if (this.#pending) this.#look(this.#pending, settings);
    this.#updatesLeft ??= updatesUntilCollapse(
      { scale: settings.initScale, growthTracker: 0, skipTracker: 0 },
      settings,
    );
    this.#highest ||= settings.initScale;
    this.#updatesLeft--;
    if (this.#updatesLeft > 0) return;
    if (state.device.downloadSync) {
      this.#look(state.read(), settings);
      return;
    }
    this.#updatesLeft = Number.POSITIVE_INFINITY;
    state.readLater().then(
      (numbers) => {
        this.#pending = numbers;
      },
      // The scaler was given up meanwhile; its device says so to whoever still uses it.
      () => {},
    );
  }

  #look(numbers: ScaleNumbers, settings: ScalerSettings): void {
    const { scale, skipTracker } = numbers;
    this.#pending = undefined;
    this.#updatesLeft = updatesUntilCollapse(numbers, settings);
    const isAtFloor = settings.mode === 'dynamic' && scale <= settings.minScale;
    const skippedAtFloor =
      this.#skipsAtFloor !== undefined && skipTracker > this.#skipsAtFloor && skipTracker >= settings.hysteresis;
    this.#skipsAtFloor = isAtFloor ? skipTracker : undefined;
    const collapsed = skipTracker >= settings.collapseAfter || (isAtFloor && skippedAtFloor);
    if (!collapsed) {
      if (skipTracker === 0) this.#highest = scale;
      this.#isSounded = false;
      return;
    }
    if (this.#isSounded && settings.onCollapse === 'warn') return;
    this.#isSounded = true;
    const message = `GradScaler.update: ${skipTracker} steps in a row were skipped; the scale fell from ${this.#highest} to ${scale}. If the loss itself is not finite, the scale is not the cause: look for the first op that overflows and keep it in float32, or lower the learning rate.`;
    if (settings.onCollapse === 'error') throw new TensorError('scale-collapsed', message);
    console.warn(message);
  }
}

/** The soonest that it can be worth looking again. */
function updatesUntilCollapse({ scale, skipTracker }: ScaleNumbers, settings: ScalerSettings): number {
  const { collapseAfter, mode, minScale, backoffFactor } = settings;
  const skips = collapseAfter - skipTracker;
  const toFloor =
    mode === 'static' || minScale === 0
      ? Number.POSITIVE_INFINITY
      : Math.ceil(Math.log(scale / minScale) / -Math.log(backoffFactor));
  return Math.max(1, Math.min(skips, toFloor));
}
