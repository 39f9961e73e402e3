import { TensorError } from '@halfgrad/core';
import type { StepResult } from './step-result.ts';

export interface GradScalerOptions {
  /** `'static'` never changes the scale, and still skips steps that are not finite (AMP.md B9.5). */
  readonly mode?: 'dynamic' | 'static';
  readonly initScale?: number;
  /** What the scale is multiplied by after `growthInterval` good steps in a row; above 1. */
  readonly growthFactor?: number;
  /** What it is multiplied by after a step that was not finite; between 0 and 1. */
  readonly backoffFactor?: number;
  readonly growthInterval?: number;
  /** The scale backs off only from this many skipped steps on (DeepSpeed, Megatron); 1 is at once (AMP.md B9.1). */
  readonly hysteresis?: number;
  /** Whether any good step forgets the skipped ones; else only growth does. */
  readonly consecutiveHysteresis?: boolean;
  /** Good steps at the start and after a skip that do not count toward growth; 1 in DeepSpeed (AMP.md B9.2). */
  readonly uncountedSteps?: number;
  /** `false` makes every method transparent. */
  readonly enabled?: boolean;
  /** The scale never falls below it: PyTorch's can reach 0 and stay there for ever (AMP.md B5.5). */
  readonly minScale?: number;
  readonly maxScale?: number;
  /** Looks at the gradients again in `step` after an `unscale` by hand: they may have changed since (AMP.md B4.7). */
  readonly recheckAfterUnscale?: boolean;
  /** Called with each skipped step as soon as it is known, which nobody waits for. */
  readonly onSkip?: (result: StepResult) => void;
  /** What to do when the scale has collapsed; `'floor'` stays at `minScale` and never looks. */
  readonly onCollapse?: 'warn' | 'error' | 'floor';
  /** Skipped steps in a row that are a collapse; so is a skipped step at `minScale`. `Infinity` leaves only that. */
  readonly collapseAfter?: number;
}

export type ScalerSettings = Required<Omit<GradScalerOptions, 'onSkip'>> & Pick<GradScalerOptions, 'onSkip'>;

const defaults: ScalerSettings = {
  mode: 'dynamic',
  initScale: 2 ** 16,
  growthFactor: 2,
  backoffFactor: 0.5,
  growthInterval: 2000,
  hysteresis: 1,
  consecutiveHysteresis: false,
  uncountedSteps: 0,
  enabled: true,
  // The smallest normal float16: a loss that needs a smaller scale does not fit the format.
  minScale: 2 ** -14,
  maxScale: 3.4028234663852886e38,
  recheckAfterUnscale: false,
  onCollapse: 'warn',
  // From the default scale to its floor takes 30 skips.
  collapseAfter: 32,
};

interface Bound {
  readonly holds: (value: unknown) => boolean;
  readonly meaning: string;
}

const positive: Bound = { holds: (x) => Number.isFinite(x) && Number(x) > 0, meaning: 'a finite number above 0' };
const count: Bound = { holds: (x) => Number.isInteger(x) && Number(x) >= 1, meaning: 'a positive integer' };

const bounds: { readonly [O in Exclude<keyof ScalerSettings, 'enabled'>]: Bound } = {
  mode: oneOf('dynamic', 'static'),
  initScale: positive,
  growthFactor: { holds: (x) => Number.isFinite(x) && Number(x) > 1, meaning: 'above 1' },
  backoffFactor: { holds: (x) => typeof x === 'number' && x > 0 && x < 1, meaning: 'between 0 and 1' },
  growthInterval: count,
  hysteresis: count,
  consecutiveHysteresis: oneOf(true, false),
  uncountedSteps: { holds: (x) => Number.isInteger(x) && Number(x) >= 0, meaning: 'a whole number' },
  minScale: { holds: (x) => Number.isFinite(x) && Number(x) >= 0, meaning: 'a finite number, 0 or more' },
  maxScale: { holds: (x) => typeof x === 'number' && x > 0, meaning: 'a number above 0' },
  recheckAfterUnscale: oneOf(true, false),
  onSkip: { holds: (x) => x === undefined || typeof x === 'function', meaning: 'a function' },
  onCollapse: oneOf('warn', 'error', 'floor'),
  collapseAfter: { holds: (x) => x === Number.POSITIVE_INFINITY || count.holds(x), meaning: count.meaning },
};

function oneOf(...values: readonly unknown[]): Bound {
  return { holds: (x) => values.includes(x), meaning: `one of ${values.join(', ')}` };
}

/** All options, checked; PyTorch checks only two of them (AMP.md B1.2). A disabled scaler's are not checked. */
export function checkScalerOptions(options: GradScalerOptions): ScalerSettings {
  const settings = { ...defaults, ...options };
  if (!settings.enabled) return settings;
  for (const [name, { holds, meaning }] of Object.entries(bounds)) {
    const value = settings[name as keyof typeof bounds];
    if (!holds(value))
      throw new TensorError('invalid-argument', `GradScaler: ${name} must be ${meaning}, got ${String(value)}`);
  }
  const { minScale, initScale, maxScale } = settings;
  if (minScale > initScale || initScale > maxScale) {
    throw new TensorError(
      'invalid-argument',
      `GradScaler: initScale ${initScale} is outside minScale ${minScale} to maxScale ${maxScale}`,
    );
  }
  return settings;
}
