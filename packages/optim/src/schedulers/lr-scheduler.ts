import { TensorError } from '@halfgrad/core';
import { type StepOutcome, wasTaken } from '../step-outcome.ts';

/** What a schedule reads and changes of a parameter group. */
export interface ScheduledGroup {
  lr: number;
  /** The rate that schedules start from; the first scheduler sets it to the group's `lr`. */
  initialLr?: number;
  momentum?: number;
  betas?: readonly [number, number];
}

/** What a scheduler needs to know of an optimizer. */
export interface ScheduledOptimizer {
  readonly paramGroups: readonly ScheduledGroup[];
}

/** Learning rates, and momenta where they change too, as functions of the steps taken so far. */
export interface Schedule {
  lr(t: number, initialLr: number, group: number): number;
  momentum?(t: number): number;
}

/** Where a scheduler stands, under PyTorch's names. */
export interface SchedulerState {
  readonly last_epoch: number;
  readonly base_lrs: readonly number[];
  readonly _last_lr: readonly number[];
}

/**
 * Sets the learning rates of an optimizer by a formula in the number of steps (`torch.optim.lr_scheduler.LRScheduler`).
 *
 *     const result = scaler.step(optimizer);
 *     scaler.update();
 *     scheduler.step(result);
 *
 * The rate depends on the initial rate and the count alone, so it does not drift, and a resumed run has the same rates.
 */
export class LRScheduler {
  readonly optimizer: ScheduledOptimizer;
  readonly schedule: Schedule;
  #steps = 0;

  constructor(optimizer: ScheduledOptimizer, schedule: Schedule) {
    this.optimizer = optimizer;
    this.schedule = schedule;
    this.#apply();
  }

  /**
   * Moves on to the next rate, unless the optimizer's step was skipped. Reading the outcome waits for the device: on one
   * that can only be read asynchronously, `await result.ready()` first.
   */
  step(outcome?: StepOutcome): void {
    if (!wasTaken(outcome)) return;
    this.#steps++;
    this.#apply();
  }

  /** The rates in use, by parameter group. */
  getLastLr(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  stateDict(): SchedulerState {
    return {
      last_epoch: this.#steps,
      base_lrs: this.optimizer.paramGroups.map(initialLrOf),
      _last_lr: this.getLastLr(),
    };
  }

  /**
   * Continues where another scheduler was, also one of PyTorch, and sets the rates it had.
   *
   * @throws TensorError `invalid-argument` for another number of parameter groups, or no state at all; then nothing changed.
   */
  loadStateDict({ last_epoch, base_lrs }: Pick<SchedulerState, 'last_epoch' | 'base_lrs'>): void {
    const groups = this.optimizer.paramGroups;
    requireCounts(this.constructor.name, { last_epoch });
    if (base_lrs.length !== groups.length) {
      throw new TensorError(
        'invalid-argument',
        `${this.constructor.name}: the state has ${base_lrs.length} rates for ${groups.length} parameter groups.`,
      );
    }
    groups.forEach((group, i) => {
      group.initialLr = base_lrs[i] as number;
    });
    this.#steps = last_epoch;
    this.#apply();
  }

  #apply(): void {
    const momentum = this.schedule.momentum?.(this.#steps);
    this.optimizer.paramGroups.forEach((group, i) => {
      group.lr = this.schedule.lr(this.#steps, initialLrOf(group), i);
      if (momentum !== undefined) setMomentum(group, momentum);
    });
  }
}

function initialLrOf(group: ScheduledGroup): number {
  group.initialLr ??= group.lr;
  return group.initialLr;
}

/** β₁ is what Adam and its relatives have for momentum. */
function setMomentum(group: ScheduledGroup, momentum: number): void {
  if (group.betas) group.betas = [momentum, group.betas[1]];
  else group.momentum = momentum;
}

/** @throws TensorError `invalid-argument` when a schedule of momentum has nothing to set. */
export function requireMomentum(owner: string, { paramGroups }: ScheduledOptimizer): void {
  if (!paramGroups.every((group) => 'momentum' in group || group.betas)) {
    throw new TensorError(
      'invalid-argument',
      `${owner}: the optimizer has neither momentum nor betas to cycle. Pass cycleMomentum: false.`,
    );
  }
}

/** @throws TensorError `invalid-argument` when a saved count is none. */
export function requireCounts(owner: string, counts: Readonly<Record<string, unknown>>): void {
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isSafeInteger(count) || (count as number) < 0) {
      throw new TensorError('invalid-argument', `${owner}.loadStateDict: ${name} is ${count}, which is no count.`);
    }
  }
}

/** One number for all parameter groups, or one each. */
export type PerGroup = number | readonly number[];

/** @throws TensorError `invalid-argument` for a list of another length than there are groups. */
export function perGroup(owner: string, value: PerGroup, { paramGroups }: ScheduledOptimizer): readonly number[] {
  if (typeof value === 'number') return paramGroups.map(() => value);
  if (value.length !== paramGroups.length) {
    throw new TensorError(
      'invalid-argument',
      `${owner}: [${value}] has ${value.length} numbers for ${paramGroups.length} parameter groups.`,
    );
  }
  return value;
}
