import { TensorError } from '@halfgrad/core';
import { type StepOutcome, wasTaken } from '../step-outcome.ts';
import { type PerGroup, perGroup, requireCounts, type ScheduledOptimizer } from './lr-scheduler.ts';

export interface PlateauOptions {
  /** Whether the metric is better when it is smaller, such as a loss, or larger, such as an accuracy. */
  readonly mode?: 'min' | 'max';
  /** What the rate is multiplied by. */
  readonly factor?: number;
  /** How many steps in a row may pass without improvement. */
  readonly patience?: number;
  /** How much counts as an improvement: relative to the best metric, or absolute. */
  readonly threshold?: number;
  readonly thresholdMode?: 'rel' | 'abs';
  /** Steps after a reduction during which nothing is counted. */
  readonly cooldown?: number;
  readonly minLr?: PerGroup;
  /** Reductions by less are not made. */
  readonly eps?: number;
}

/** Where a plateau scheduler stands, under PyTorch's names. */
export interface PlateauState {
  readonly best: number;
  readonly num_bad_epochs: number;
  readonly cooldown_counter: number;
  readonly _last_lr: readonly number[];
}

/** Reduces the rate when a metric has stopped improving (`torch.optim.lr_scheduler.ReduceLROnPlateau`). */
export class ReduceLROnPlateau {
  readonly optimizer: ScheduledOptimizer;
  readonly #options: Required<PlateauOptions>;
  #best: number;
  #badSteps = 0;
  #cooldown = 0;

  constructor(
    optimizer: ScheduledOptimizer,
    {
      mode = 'min',
      factor = 0.1,
      patience = 10,
      threshold = 1e-4,
      thresholdMode = 'rel',
      cooldown = 0,
      minLr = 0,
      eps = 1e-8,
    }: PlateauOptions = {},
  ) {
    if (!(factor < 1)) {
      throw new TensorError('invalid-argument', `ReduceLROnPlateau: factor is ${factor}. Use a number below 1.`);
    }
    perGroup('ReduceLROnPlateau', minLr, optimizer);
    this.optimizer = optimizer;
    this.#options = { mode, factor, patience, threshold, thresholdMode, cooldown, minLr, eps };
    this.#best = mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  /** Looks at the newest metric, usually once per epoch; not at all if the step it belongs to was skipped. */
  step(metric: number, outcome?: StepOutcome): void {
    if (!wasTaken(outcome)) return;
    if (this.#isBetter(metric)) {
      this.#best = metric;
      this.#badSteps = 0;
    } else this.#badSteps++;
    if (this.#cooldown > 0) {
      this.#cooldown--;
      this.#badSteps = 0;
    }
    if (this.#badSteps > this.#options.patience) {
      this.#reduce();
      this.#cooldown = this.#options.cooldown;
      this.#badSteps = 0;
    }
  }

  getLastLr(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  stateDict(): PlateauState {
    return {
      best: this.#best,
      num_bad_epochs: this.#badSteps,
      cooldown_counter: this.#cooldown,
      _last_lr: this.getLastLr(),
    };
  }

  /** Continues where another scheduler was; the rates are the optimizer's to restore. */
  loadStateDict({ best, num_bad_epochs, cooldown_counter }: Omit<PlateauState, '_last_lr'>): void {
    requireCounts('ReduceLROnPlateau', { num_bad_epochs, cooldown_counter });
    this.#best = best;
    this.#badSteps = num_bad_epochs;
    this.#cooldown = cooldown_counter;
  }

  #isBetter(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.#options;
    const sign = mode === 'min' ? -1 : 1;
    const bar = thresholdMode === 'rel' ? this.#best * (1 + sign * threshold) : this.#best + sign * threshold;
    return mode === 'min' ? metric < bar : metric > bar;
  }

  #reduce(): void {
    const { factor, minLr, eps } = this.#options;
    const lowest = perGroup('ReduceLROnPlateau', minLr, this.optimizer);
    this.optimizer.paramGroups.forEach((group, i) => {
      const lr = Math.max(group.lr * factor, lowest[i] as number);
      if (group.lr - lr > eps) group.lr = lr;
    });
  }
}
