/**
 * A gradient scaler as a student writes it. Judge it, or break it and see what it says:
 *
 *     npx halfgrad check scaler examples/own-scaler.ts
 */
import type { CheckedOptimizer, CreateScaler } from '@halfgrad/testing/scaler-check';

const minScale = 2 ** -24;

export const createScaler: CreateScaler = (options, saved) => {
  let { scale, goodSteps } = (saved ?? { scale: options.initScale, goodSteps: 0 }) as {
    scale: number;
    goodSteps: number;
  };
  const wasFinite = new Map<CheckedOptimizer, boolean>();

  function unscale(optimizer: CheckedOptimizer): void {
    if (!options.enabled) return;
    if (wasFinite.has(optimizer)) throw new Error('unscale was already called since the last update');
    for (let i = 0; i < optimizer.gradients.length; i++) optimizer.gradients[i]! /= scale;
    wasFinite.set(optimizer, optimizer.gradients.every(Number.isFinite));
  }

  return {
    scale: (loss) => (options.enabled ? loss * scale : loss),

    unscale,

    step(optimizer) {
      if (options.enabled && !wasFinite.has(optimizer)) unscale(optimizer);
      if (wasFinite.get(optimizer) ?? true) optimizer.step();
    },

    update() {
      if (!options.enabled) return;
      if ([...wasFinite.values()].includes(false)) {
        scale = Math.max(scale * options.backoffFactor, minScale);
        goodSteps = 0;
      } else if (++goodSteps >= options.growthInterval) {
        const grown = Math.fround(scale * options.growthFactor);
        if (Number.isFinite(grown)) scale = grown;
        goodSteps = 0;
      }
      wasFinite.clear();
    },

    state: () => ({ scale, goodSteps }),
  };
};
