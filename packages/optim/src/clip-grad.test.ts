import { cpu } from '@halfgrad/backend-cpu';
import { type DType, setDefaultDevice, type Tensor, tensor, zeros } from '@halfgrad/core';
import { array, float, assert as holds, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clipGradNorm, clipGradValue } from './index.ts';

setDefaultDevice(cpu);

describe('clipGradNorm', () => {
  const finite = float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
  const grads = array(array(finite, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });

  test('brings the joint norm down to the limit and keeps the direction', () => {
    holds(
      property(grads, float({ min: Math.fround(1e-3), max: 1e3, noNaN: true }), (values, maxNorm) => {
        const params = values.map((v) => withGrad(v));
        const total = clipGradNorm(params, maxNorm).item();
        const factor = Math.min(1, maxNorm / (total + 1e-6));
        const clipped = Math.hypot(...params.flatMap(gradOf));
        // Each of the norm, the factor and the products is off by a few units of float32's 2^-24.
        expect(clipped).toBeLessThanOrEqual(maxNorm * (1 + 2 ** -20));
        params.forEach((param, i) => {
          gradOf(param).forEach((g, j) => {
            const expected = (values[i]?.[j] as number) * factor;
            expect(Math.abs(g - expected)).toBeLessThanOrEqual(Math.abs(expected) * 2 ** -20 + 2 ** -149);
          });
        });
      }),
    );
  });

  test('squares float16 gradients in float32, where 300² is finite', () => {
    const param = withGrad([300, 400], 'float16');
    expect(clipGradNorm([param], 1).item()).toBe(500);
  });

  test('returns zero for parameters without gradients', () => {
    expect(clipGradNorm([zeros([2], { requiresGrad: true })], 1).item()).toBe(0);
  });

  test.each([-1, Number.NaN])('rejects the limit %d', (limit) => {
    expect(() => clipGradNorm([], limit)).toThrow(`clipGradNorm: maxNorm is ${limit}`);
    expect(() => clipGradValue([], limit)).toThrow(`clipGradValue: clipValue is ${limit}`);
  });
});

function withGrad(values: readonly number[], dtype: DType = 'float32'): Tensor {
  const param = zeros([values.length], { dtype, requiresGrad: true });
  param.grad = tensor(values, { dtype });
  return param;
}

function gradOf(param: Tensor): number[] {
  return Array.from((param.grad as Tensor).dataSync());
}
