import { sizeOf, type UpdateKernels } from '@halfgrad/core';
import { type ElementwisePass, elementwisePass } from '../kernels/elementwise.ts';
import type { Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import { changeInPlace } from './in-place.ts';
import { optimizerSteps } from './optimizers.ts';
import { lossScaling } from './scaling.ts';

/** The in-place operations. None of them reads anything back. */
export function createUpdates(runtime: Runtime): UpdateKernels<GpuTensor> {
  return {
    assign({ target, source, foundInf, noise }) {
      const as = target.dtype;
      const value = noise ? 'roundedBy(noise, x)' : 'x';
      const pass: ElementwisePass = {
        name: 'assign',
        operands: {
          x: { tensor: source, as },
          ...(noise && { noise: { tensor: noise, as: 'float32' } }),
          ...(foundInf && { before: { tensor: target, as }, foundInf: { tensor: foundInf, as: 'float32' } }),
        },
        functions: noise ? stochasticRounding : '',
        formula: foundInf ? `isZero(foundInf) ? ${value} : before` : value,
        computes: as,
      };
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

/** To one of the two nearest bfloat16 numbers: a carry out of the 16 lower bits is a step away from zero. */
const stochasticRounding = `
float roundedBy(float noise, float x) {
  if (isNaN(x)) return x;
  uint w = floatBitsToUint(x) + 0xffffu - uint(noise * 65536.0);
  return uintBitsToFloat(w & 0xffff0000u);
}`;
