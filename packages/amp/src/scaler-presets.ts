import type { GradScalerOptions } from './scaler-options.ts';

export type ScalerPreset = 'torch' | 'apex' | 'deepspeed' | 'megatron' | 'keras' | 'jmp' | 'flax';

/**
 * The options that make `GradScaler` scale as other systems do: `new GradScaler(scalerPresets.apex)` (AMP.md B9).
 *
 * Where theirs would let the scale grow to infinity, it stays finite.
 */
export const scalerPresets: { readonly [P in ScalerPreset]: GradScalerOptions } = {
  torch: { minScale: 0, onCollapse: 'floor' },
  apex: { minScale: 0, maxScale: 2 ** 24, onCollapse: 'floor' },
  deepspeed: {
    growthInterval: 1000,
    hysteresis: 2,
    uncountedSteps: 1,
    minScale: 1,
    onCollapse: 'error',
    collapseAfter: Number.POSITIVE_INFINITY,
  },
  megatron: { initScale: 2 ** 32, growthInterval: 1000, hysteresis: 2, minScale: 1, onCollapse: 'floor' },
  keras: { initScale: 2 ** 15, minScale: 0, onCollapse: 'floor' },
  jmp: { initScale: 2 ** 15, minScale: 1, onCollapse: 'floor' },
  // flax grows on the step after the interval is full (AMP.md B9.3), and stops at the smallest normal float32.
  flax: { growthInterval: 2001, minScale: 2 ** -126, onCollapse: 'floor' },
};
