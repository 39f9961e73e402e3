import { annealed } from './cosine.ts';
import {
  LRScheduler,
  type PerGroup,
  perGroup,
  requireMomentum,
  type Schedule,
  type ScheduledOptimizer,
} from './lr-scheduler.ts';

export interface OneCycleLROptions {
  readonly maxLr: PerGroup;
  readonly totalSteps: number;
  /** The share of the steps that lead up to `maxLr`. */
  readonly pctStart?: number;
  readonly annealStrategy?: 'cos' | 'linear';
  /** Whether momentum goes down while the rate goes up. */
  readonly cycleMomentum?: boolean;
  readonly baseMomentum?: number;
  readonly maxMomentum?: number;
  /** The first rate is `maxLr / divFactor`, the last one that divided by `finalDivFactor`. */
  readonly divFactor?: number;
  readonly finalDivFactor?: number;
  /** Comes down to the first rate as slowly as it went up, before the last phase. */
  readonly threePhase?: boolean;
}

/** A stretch of the cycle that ends at step `end`: from one share of the range to another. */
interface Phase {
  readonly end: number;
  readonly lr: readonly [from: Level, to: Level];
  readonly momentum: readonly [from: 'base' | 'max', to: 'base' | 'max'];
}

type Level = 'first' | 'max' | 'last';

/**
 * Up to a large rate and down to almost nothing, once in a training run, whatever the initial rate
 * (`torch.optim.lr_scheduler.OneCycleLR`, which throws after `totalSteps`; here the last rate stays).
 *
 * @see Smith & Topin (2018). https://arxiv.org/abs/1708.07120
 */
export class OneCycleLR extends LRScheduler {
  constructor(optimizer: ScheduledOptimizer, options: OneCycleLROptions) {
    super(optimizer, oneCycle(optimizer, options));
  }
}

function oneCycle(
  optimizer: ScheduledOptimizer,
  {
    maxLr,
    totalSteps,
    pctStart = 0.3,
    annealStrategy = 'cos',
    cycleMomentum = true,
    baseMomentum = 0.85,
    maxMomentum = 0.95,
    divFactor = 25,
    finalDivFactor = 1e4,
    threePhase = false,
  }: OneCycleLROptions,
): Schedule {
  const phases = phasesOf(totalSteps, pctStart, threePhase);
  const momenta = { base: baseMomentum, max: maxMomentum };
  const levels = perGroup('OneCycleLR', maxLr, optimizer).map((max): { readonly [L in Level]: number } => {
    const first = max / divFactor;
    return { first, max, last: first / finalDivFactor };
  });
  const anneal = annealStrategies[annealStrategy];
  if (cycleMomentum) requireMomentum('OneCycleLR', optimizer);
  return {
    lr(t, _, group) {
      const { lr, progress } = phaseAt(phases, t);
      const level = levels[group] as (typeof levels)[number];
      return anneal(level[lr[0]], level[lr[1]], progress);
    },
    ...(cycleMomentum && {
      momentum(t) {
        const { momentum, progress } = phaseAt(phases, t);
        return anneal(momenta[momentum[0]], momenta[momentum[1]], progress);
      },
    }),
  };
}

const annealStrategies = {
  cos: annealed,
  linear: (start: number, end: number, progress: number) => start + (end - start) * progress,
};

function phasesOf(totalSteps: number, pctStart: number, threePhase: boolean): readonly Phase[] {
  const peak = pctStart * totalSteps - 1;
  const up: Phase = { end: peak, lr: ['first', 'max'], momentum: ['max', 'base'] };
  if (!threePhase) return [up, { end: totalSteps - 1, lr: ['max', 'last'], momentum: ['base', 'max'] }];
  return [
    up,
    { end: 2 * peak, lr: ['max', 'first'], momentum: ['base', 'max'] },
    { end: totalSteps - 1, lr: ['first', 'last'], momentum: ['max', 'max'] },
  ];
}

function phaseAt(phases: readonly Phase[], t: number): Phase & { readonly progress: number } {
  const found = phases.findIndex(({ end }) => t <= end);
  const i = found < 0 ? phases.length - 1 : found;
  const phase = phases[i] as Phase;
  const start = phases[i - 1]?.end ?? 0;
  return { ...phase, progress: Math.min((t - start) / (phase.end - start), 1) };
}
