import { sizeOf, type UpdateKernels } from '@halfgrad/core';
import { elementwisePass } from '../kernels/elementwise.ts';
import type { Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import { changeInPlace } from './in-place.ts';
import { optimizerSteps } from './optimizers.ts';
import { lossScaling } from './scaling.ts';

/** The in-place operations. None of them reads anything back. */
export function createUpdates(runtime: Runtime): UpdateKernels<GpuTensor> {
  return {
    assign({ target, source }) {
      const as = target.dtype;
      const pass = { name: 'assign', operands: { x: { tensor: source, as } }, formula: 'x', computes: as };
      const texture = runtime.computeTexture(as, sizeOf(target.shape), elementwisePass(runtime, pass, target));
      runtime.memory.replace(target, texture);
    },
    lerp({ target, source }, { weight }) {
      const reads = { target, source };
      changeInPlace(runtime, [
        { name: 'lerp', target, reads, uniforms: { weight }, formula: 'target + user_weight * (source - target)' },
      ]);
    },
    ...optimizerSteps(runtime),
    ...lossScaling(runtime),
  };
}
