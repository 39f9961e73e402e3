import {
  LRScheduler,
  type PerGroup,
  perGroup,
  requireMomentum,
  type Schedule,
  type ScheduledOptimizer,
} from './lr-scheduler.ts';

export type CyclicMode = 'triangular' | 'triangular2' | 'expRange';

export interface CyclicLROptions {
  readonly baseLr: PerGroup;
  readonly maxLr: PerGroup;
  /** Steps from `baseLr` to `maxLr`. */
  readonly stepSizeUp?: number;
  /** Steps back; as many as up by default. */
  readonly stepSizeDown?: number;
  /** How high the peaks are: all alike, halved from cycle to cycle, or times `gamma` at every step. */
  readonly mode?: CyclicMode;
  readonly gamma?: number;
  /** Whether momentum goes down while the rate goes up. */
  readonly cycleMomentum?: boolean;
  readonly baseMomentum?: number;
  readonly maxMomentum?: number;
}

const peaks: { readonly [M in CyclicMode]: (cycle: number, t: number, gamma: number) => number } = {
  triangular: () => 1,
  triangular2: (cycle) => 0.5 ** cycle,
  expRange: (_, t, gamma) => gamma ** t,
};

/**
 * Goes up and down between two rates, whatever the initial one (`torch.optim.lr_scheduler.CyclicLR`).
 *
 * @see Smith (2017). https://arxiv.org/abs/1506.01186
 */
export class CyclicLR extends LRScheduler {
  constructor(optimizer: ScheduledOptimizer, options: CyclicLROptions) {
    super(optimizer, cyclic(optimizer, options));
  }
}

function cyclic(
  optimizer: ScheduledOptimizer,
  {
    baseLr,
    maxLr,
    stepSizeUp = 2000,
    stepSizeDown = stepSizeUp,
    mode = 'triangular',
    gamma = 1,
    cycleMomentum = true,
    baseMomentum = 0.8,
    maxMomentum = 0.9,
  }: CyclicLROptions,
): Schedule {
  const lows = perGroup('CyclicLR', baseLr, optimizer);
  const highs = perGroup('CyclicLR', maxLr, optimizer);
  const length = stepSizeUp + stepSizeDown;
  const height = (t: number): number => {
    const place = t % length;
    const slope = place <= stepSizeUp ? place / stepSizeUp : (length - place) / stepSizeDown;
    return slope * peaks[mode](Math.floor(t / length), t, gamma);
  };
  if (cycleMomentum) requireMomentum('CyclicLR', optimizer);
  return {
    lr: (t, _, group) => between(lows[group] as number, highs[group] as number, height(t)),
    ...(cycleMomentum && { momentum: (t) => between(maxMomentum, baseMomentum, height(t)) }),
  };
}

function between(low: number, high: number, height: number): number {
  return low + (high - low) * height;
}
