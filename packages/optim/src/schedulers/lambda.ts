import { LRScheduler, type Schedule, type ScheduledOptimizer } from './lr-scheduler.ts';

/** A factor by the number of steps taken. */
export type Factor = (t: number) => number;

/** `initial · factor(t)`, with one function for all parameter groups or one each (`torch.optim.lr_scheduler.LambdaLR`). */
export class LambdaLR extends LRScheduler {
  constructor(optimizer: ScheduledOptimizer, factor: Factor | readonly Factor[]) {
    super(optimizer, { lr: (t, initial, group) => initial * factorOf(factor, group)(t) });
  }
}

/** `initial · factor(1) · … · factor(t)` (`torch.optim.lr_scheduler.MultiplicativeLR`). */
export class MultiplicativeLR extends LRScheduler {
  constructor(optimizer: ScheduledOptimizer, factor: Factor | readonly Factor[]) {
    super(optimizer, multiplicative(factor));
  }
}

function multiplicative(factor: Factor | readonly Factor[]): Schedule {
  const reached = new Map<number, { readonly t: number; readonly product: number }>();
  return {
    lr(t, initial, group) {
      const before = reached.get(group);
      let { t: step, product } = before && before.t <= t ? before : { t: 0, product: 1 };
      while (step < t) product *= factorOf(factor, group)(++step);
      reached.set(group, { t, product });
      return initial * product;
    },
  };
}

function factorOf(factor: Factor | readonly Factor[], group: number): Factor {
  return typeof factor === 'function' ? factor : (factor[group] as Factor);
}

export interface WarmupOptions {
  readonly warmupSteps: number;
  /** The step at which the factor is 0 again. */
  readonly totalSteps: number;
}

/**
 * A factor for `LambdaLR` that rises linearly from 0 to 1 and falls linearly to 0 (`get_linear_schedule_with_warmup` of
 * transformers).
 *
 *     new LambdaLR(optimizer, warmupLinear({ warmupSteps: 100, totalSteps: 1000 }));
 */
export function warmupLinear(options: WarmupOptions): Factor {
  return warmup(options, (progress) => 1 - progress);
}

/** The same with half a period of a cosine down to 0 (`get_cosine_schedule_with_warmup` of transformers). */
export function warmupCosine(options: WarmupOptions): Factor {
  return warmup(options, (progress) => (1 + Math.cos(Math.PI * progress)) / 2);
}

function warmup({ warmupSteps, totalSteps }: WarmupOptions, decay: (progress: number) => number): Factor {
  return (t) => {
    if (t < warmupSteps) return t / warmupSteps;
    return t < totalSteps ? decay((t - warmupSteps) / (totalSteps - warmupSteps)) : 0;
  };
}
