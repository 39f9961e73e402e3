import { cpu } from '@halfgrad/backend-cpu';
import { type DType, setDefaultDevice, type Tensor, tensor, zeros } from '@halfgrad/core';
import { decodeNumber, describeShared, type GoldenNumber, readJson } from '@halfgrad/testing';
import { array, float, assert as holds, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clipGradNorm, clipGradValue } from './index.ts';

setDefaultDevice(cpu);

interface NormCase {
  readonly kind: 'norm';
  readonly grads: readonly (readonly GoldenNumber[])[];
  readonly max_norm: number;
  readonly norm_type: GoldenNumber;
  readonly dtype: DType;
  readonly total_norm: GoldenNumber;
  readonly norm_dtype: DType;
  readonly out: readonly (readonly GoldenNumber[])[];
}

interface ValueCase {
  readonly kind: 'value';
  readonly grads: readonly (readonly GoldenNumber[])[];
  readonly clip_value: number;
  readonly out: readonly (readonly GoldenNumber[])[];
}

describeShared("clipping follows PyTorch's", ['golden/clip_grad.json'], () => {
  const { cases } = readJson<{ cases: readonly (NormCase | ValueCase)[] }>('golden/clip_grad.json');

  test.each(cases.map((golden) => [golden.kind, JSON.stringify(golden.grads), golden] as const))(
    'by %s: %s',
    (_, __, golden) => {
      const params = golden.grads.map((grad) =>
        withGrad(grad.map(decodeNumber), golden.kind === 'norm' ? golden.dtype : 'float32'),
      );
      if (golden.kind === 'value') {
        clipGradValue(params, golden.clip_value);
      } else {
        const total = clipGradNorm(params, golden.max_norm, { normType: decodeNumber(golden.norm_type) });
        expect(total.dtype).toBe(golden.norm_dtype);
        expectClose(total.item(), decodeNumber(golden.total_norm));
      }
      params.forEach((param, i) => {
        const expected = golden.out[i]?.map(decodeNumber) as number[];
        gradOf(param).forEach((g, j) => {
          expectClose(g, expected[j] as number);
        });
      });
    },
  );
});

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

/** The golden file is good to 1e-6, relative. */
function expectClose(actual: number, expected: number): void {
  if (!Number.isFinite(expected)) expect(actual).toBe(expected);
  else expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-6 * Math.abs(expected));
}
