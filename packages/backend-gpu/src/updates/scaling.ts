import type { UpdateKernels } from '@halfgrad/core';
import { hasNonFinite } from '../kernels/reduction.ts';
import type { Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import { changeInPlace } from './in-place.ts';

type Scaling = Pick<UpdateKernels<GpuTensor>, 'unscaleAndCheck' | 'updateScale'>;

export function lossScaling(runtime: Runtime): Scaling {
  return {
    unscaleAndCheck({ grads, scale, foundInf }) {
      for (const grad of grads) {
        changeInPlace(runtime, [
          { name: 'unscale', target: grad, reads: { grad, scale }, formula: 'grad * (1.0 / scale)' },
        ]);
        // What was infinite or NaN before is so afterwards.
        const found = hasNonFinite(runtime, grad);
        changeInPlace(runtime, [
          { name: 'found', target: foundInf, reads: { found, foundInf }, formula: 'found == 0.0 ? foundInf : 1.0' },
        ]);
        runtime.memory.free(found);
      }
    },

    updateScale({ scale, growthTracker, skipTracker, foundInf }, attrs) {
      const reads = { scale, tracker: growthTracker, skips: skipTracker, foundInf };
      const functions = `
float grown(float scale) {
  float next = scale * user_growthFactor;
  return isFinite(next) ? min(next, user_maxScale) : scale;
}
bool grows(int tracker) { return float(tracker + 1) >= user_growthInterval; }
float nextScale(float scale, int tracker, int skips, float foundInf) {
  if (isZero(foundInf)) return grows(tracker) ? grown(scale) : scale;
  return float(skips + 1) >= user_hysteresis ? max(scale * user_backoffFactor, user_minScale) : scale;
}
int nextTracker(int tracker, float foundInf) {
  if (!isZero(foundInf)) return -int(user_uncountedSteps);
  return grows(tracker) ? 0 : tracker + 1;
}
int nextSkips(int tracker, int skips, float foundInf) {
  if (!isZero(foundInf)) return skips + 1;
  return grows(tracker) || user_consecutiveHysteresis > 0.0 ? 0 : skips;
}`;
      const uniforms = { ...attrs, consecutiveHysteresis: Number(attrs.consecutiveHysteresis) };
      const shared = { reads, uniforms, functions };
      changeInPlace(runtime, [
        { ...shared, name: 'scale', target: scale, formula: 'nextScale(scale, tracker, skips, foundInf)' },
        { ...shared, name: 'tracker', target: growthTracker, formula: 'nextTracker(tracker, foundInf)' },
        { ...shared, name: 'skips', target: skipTracker, formula: 'nextSkips(tracker, skips, foundInf)' },
      ]);
    },
  };
}
