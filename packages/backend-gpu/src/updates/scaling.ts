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

    updateScale({ scale, growthTracker, foundInf }, attrs) {
      const reads = { scale, tracker: growthTracker, foundInf };
      const functions = `
float grown(float scale) {
  float next = scale * user_growthFactor;
  return isFinite(next) ? min(next, user_maxScale) : scale;
}
bool grows(int tracker) { return float(tracker + 1) >= user_growthInterval; }
float nextScale(float scale, int tracker, float foundInf) {
  if (!isZero(foundInf)) return max(scale * user_backoffFactor, user_minScale);
  return grows(tracker) ? grown(scale) : scale;
}
int nextTracker(int tracker, float foundInf) { return !isZero(foundInf) || grows(tracker) ? 0 : tracker + 1; }`;
      const shared = { reads, uniforms: { ...attrs }, functions };
      changeInPlace(runtime, [
        { ...shared, name: 'scale', target: scale, formula: 'nextScale(scale, tracker, foundInf)' },
        { ...shared, name: 'tracker', target: growthTracker, formula: 'nextTracker(tracker, foundInf)' },
      ]);
    },
  };
}
