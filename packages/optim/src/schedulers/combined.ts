import { TensorError } from '@halfgrad/core';
import { LRScheduler, type ScheduledOptimizer } from './lr-scheduler.ts';

/**
 * One schedule after another: the next begins anew, from the initial rate, at each milestone
 * (`torch.optim.lr_scheduler.SequentialLR`). Step this scheduler, not those it is made of.
 *
 *     new SequentialLR(optimizer, {
 *       schedulers: [new LinearLR(optimizer, { totalIters: 100 }), new CosineAnnealingLR(optimizer, { tMax: 900 })],
 *       milestones: [100],
 *     });
 */
export class SequentialLR extends LRScheduler {
  constructor(
    optimizer: ScheduledOptimizer,
    { schedulers, milestones }: { schedulers: readonly LRScheduler[]; milestones: readonly number[] },
  ) {
    if (milestones.length !== schedulers.length - 1) {
      throw new TensorError(
        'invalid-argument',
        `SequentialLR: ${schedulers.length} schedulers need ${schedulers.length - 1} milestones, got [${milestones}].`,
      );
    }
    requireSameOptimizer('SequentialLR', optimizer, schedulers);
    const at = (t: number): { scheduler: LRScheduler; start: number } => {
      const passed = milestones.filter((milestone) => milestone <= t).length;
      return { scheduler: schedulers[passed] as LRScheduler, start: milestones[passed - 1] ?? 0 };
    };
    super(optimizer, {
      lr(t, initial, group) {
        const { scheduler, start } = at(t);
        return scheduler.schedule.lr(t - start, initial, group);
      },
    });
  }
}

/**
 * Several schedules at once, each applied to the rate of the one before it (`torch.optim.lr_scheduler.ChainedScheduler`).
 * Step this scheduler, not those it is made of.
 */
export class ChainedScheduler extends LRScheduler {
  constructor(optimizer: ScheduledOptimizer, schedulers: readonly LRScheduler[]) {
    requireSameOptimizer('ChainedScheduler', optimizer, schedulers);
    super(optimizer, {
      lr: (t, initial, group) => schedulers.reduce((lr, { schedule }) => schedule.lr(t, lr, group), initial),
    });
  }
}

function requireSameOptimizer(owner: string, optimizer: ScheduledOptimizer, schedulers: readonly LRScheduler[]): void {
  if (schedulers.some((scheduler) => scheduler.optimizer !== optimizer)) {
    throw new TensorError('invalid-argument', `${owner}: its schedulers are for another optimizer.`);
  }
}
