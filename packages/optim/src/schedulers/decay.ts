import { LRScheduler, type ScheduledOptimizer } from './lr-scheduler.ts';

/** The rate times `gamma` every `stepSize` steps (`torch.optim.lr_scheduler.StepLR`). */
export class StepLR extends LRScheduler {
  constructor(optimizer: ScheduledOptimizer, { stepSize, gamma = 0.1 }: { stepSize: number; gamma?: number }) {
    super(optimizer, { lr: (t, initial) => initial * gamma ** Math.floor(t / stepSize) });
  }
}

/** The rate times `gamma` at each milestone, twice where one is listed twice (`torch.optim.lr_scheduler.MultiStepLR`). */
export class MultiStepLR extends LRScheduler {
  constructor(
    optimizer: ScheduledOptimizer,
    { milestones, gamma = 0.1 }: { milestones: readonly number[]; gamma?: number },
  ) {
    super(optimizer, { lr: (t, initial) => initial * gamma ** milestones.filter((step) => step <= t).length });
  }
}

/** The rate times `gamma` at every step (`torch.optim.lr_scheduler.ExponentialLR`). */
export class ExponentialLR extends LRScheduler {
  constructor(optimizer: ScheduledOptimizer, { gamma }: { gamma: number }) {
    super(optimizer, { lr: (t, initial) => initial * gamma ** t });
  }
}

/** `initial · (1 − t / totalIters)^power`, then 0 (`torch.optim.lr_scheduler.PolynomialLR`). */
export class PolynomialLR extends LRScheduler {
  constructor(
    optimizer: ScheduledOptimizer,
    { totalIters = 5, power = 1 }: { totalIters?: number; power?: number } = {},
  ) {
    super(optimizer, { lr: (t, initial) => initial * (1 - Math.min(t, totalIters) / totalIters) ** power });
  }
}

/** The rate times `factor` for the first `totalIters` steps (`torch.optim.lr_scheduler.ConstantLR`). */
export class ConstantLR extends LRScheduler {
  constructor(
    optimizer: ScheduledOptimizer,
    { factor = 1 / 3, totalIters = 5 }: { factor?: number; totalIters?: number } = {},
  ) {
    super(optimizer, { lr: (t, initial) => initial * (t < totalIters ? factor : 1) });
  }
}

/**
 * The rate times a factor that goes linearly from `startFactor` to `endFactor` in `totalIters` steps
 * (`torch.optim.lr_scheduler.LinearLR`): the usual warm-up, with a `SequentialLR` for what follows.
 */
export class LinearLR extends LRScheduler {
  constructor(
    optimizer: ScheduledOptimizer,
    {
      startFactor = 1 / 3,
      endFactor = 1,
      totalIters = 5,
    }: { startFactor?: number; endFactor?: number; totalIters?: number } = {},
  ) {
    super(optimizer, {
      lr: (t, initial) => initial * (startFactor + ((endFactor - startFactor) * Math.min(t, totalIters)) / totalIters),
    });
  }
}
