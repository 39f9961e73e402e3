import { TensorError } from '@halfgrad/core';

export interface GradScalerOptions {
  readonly initScale?: number;
  /** What the scale is multiplied by after `growthInterval` good steps in a row; above 1. */
  readonly growthFactor?: number;
  /** What it is multiplied by after a step that was not finite; between 0 and 1. */
  readonly backoffFactor?: number;
  readonly growthInterval?: number;
  /** `false` makes every method transparent. */
  readonly enabled?: boolean;
  /** The scale never falls below it: PyTorch's can reach 0 and stay there for ever (AMP.md B5.5). */
  readonly minScale?: number;
  readonly maxScale?: number;
}

export type ScalerSettings = Required<GradScalerOptions>;

const defaults: ScalerSettings = {
  initScale: 2 ** 16,
  growthFactor: 2,
  backoffFactor: 0.5,
  growthInterval: 2000,
  enabled: true,
  // The smallest normal float16: a loss that needs a smaller scale does not fit the format.
  minScale: 2 ** -14,
  maxScale: 3.4028234663852886e38,
};

interface Bound {
  readonly holds: (value: number) => boolean;
  readonly meaning: string;
}

const positive: Bound = { holds: (x) => x > 0 && Number.isFinite(x), meaning: 'a finite number above 0' };

const bounds: { readonly [O in Exclude<keyof ScalerSettings, 'enabled'>]: Bound } = {
  initScale: positive,
  growthFactor: { holds: (x) => x > 1 && Number.isFinite(x), meaning: 'above 1' },
  backoffFactor: { holds: (x) => x > 0 && x < 1, meaning: 'between 0 and 1' },
  growthInterval: { holds: (x) => Number.isInteger(x) && x >= 1, meaning: 'a positive integer' },
  minScale: positive,
  maxScale: positive,
};

/** All options, checked; PyTorch checks only two of them (AMP.md B1.2). A disabled scaler's are not checked. */
export function checkScalerOptions(options: GradScalerOptions): ScalerSettings {
  const settings = { ...defaults, ...options };
  if (!settings.enabled) return settings;
  for (const [name, { holds, meaning }] of Object.entries(bounds)) {
    const value = settings[name as keyof typeof bounds];
    if (!holds(value))
      throw new TensorError('invalid-argument', `GradScaler: ${name} must be ${meaning}, got ${value}`);
  }
  if (settings.minScale > settings.initScale || settings.initScale > settings.maxScale) {
    const { minScale, initScale, maxScale } = settings;
    throw new TensorError(
      'invalid-argument',
      `GradScaler: initScale ${initScale} is outside minScale ${minScale} to maxScale ${maxScale}`,
    );
  }
  return settings;
}
