import { LRScheduler, type ScheduledOptimizer } from './lr-scheduler.ts';

/**
 * Half a period of a cosine from the initial rate to `etaMin` at step `tMax`, and back up afterwards
 * (`torch.optim.lr_scheduler.CosineAnnealingLR`, whose recursive form drifts by some 10⁻¹⁵).
 *
 *   lr = etaMin + (initial − etaMin) · (1 + cos(πt / tMax)) / 2
 *
 * @see Loshchilov & Hutter (2017), eq. 5. https://arxiv.org/abs/1608.03983
 */
export class CosineAnnealingLR extends LRScheduler {
  constructor(optimizer: ScheduledOptimizer, { tMax, etaMin = 0 }: { tMax: number; etaMin?: number }) {
    super(optimizer, { lr: (t, initial) => annealed(initial, etaMin, t / tMax) });
  }
}

/**
 * The same from the start again after `t0` steps, then `t0 · tMult`, and so on
 * (`torch.optim.lr_scheduler.CosineAnnealingWarmRestarts`).
 */
export class CosineAnnealingWarmRestarts extends LRScheduler {
  constructor(
    optimizer: ScheduledOptimizer,
    { t0, tMult = 1, etaMin = 0 }: { t0: number; tMult?: number; etaMin?: number },
  ) {
    super(optimizer, { lr: (t, initial) => annealed(initial, etaMin, placeInCycle(t, t0, tMult)) });
  }
}

/** A cosine from `start` (`progress` 0) to `end` (`progress` 1). */
export function annealed(start: number, end: number, progress: number): number {
  return end + ((start - end) * (1 + Math.cos(Math.PI * progress))) / 2;
}

/** How much of its cycle is over at step `t`, as a fraction. */
function placeInCycle(t: number, first: number, multiple: number): number {
  if (multiple === 1) return (t % first) / first;
  let [start, length] = [0, first];
  while (t >= start + length) {
    start += length;
    length *= multiple;
  }
  return (t - start) / length;
}
