import { cpu } from '@halfgrad/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  atan2,
  celu,
  eye,
  fmod,
  glu,
  grad,
  hardshrink,
  hardtanh,
  lerp,
  linspace,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  ones,
  prelu,
  relu6,
  remainder,
  round,
  setDefaultDevice,
  softmin,
  softshrink,
  sum,
  type Tensor,
  tensor,
  threshold,
  where,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

const nan = Number.NaN;

function gradientAt(fn: (x: Tensor) => Tensor, values: readonly number[]): unknown {
  const x = tensor(values, { dtype: 'float64', requiresGrad: true });
  return grad(sum(fn(x)), x).toArray();
}

describe('activations', () => {
  test('shrink towards 0, or to it, and keep NaN', () => {
    const x = tensor([-2, -0.5, 0.25, 0.5, 1, nan]);
    expect(softshrink(x).toArray()).toEqual([-1.5, 0, 0, 0, 0.5, nan]);
    expect(hardshrink(x).toArray()).toEqual([-2, 0, 0, 0, 1, nan]);
    expect(threshold(x, 0.25, -9).toArray()).toEqual([-9, -9, -9, 0.5, 1, nan]);
  });

  test('have PyTorch’s slopes at their kinks', () => {
    expect(gradientAt(relu6, [-1, 0, 3, 6, 7])).toEqual([0, 0, 1, 0, 0]);
    expect(gradientAt((x) => hardtanh(x), [-1, 0, 1])).toEqual([0, 1, 0]);
    expect(gradientAt((x) => softshrink(x), [-0.5, 0, 0.6])).toEqual([0, 0, 1]);
    expect(gradientAt((x) => celu(x, { alpha: 2 }), [0])).toEqual([1]);
  });

  test('prelu has one slope, or one per channel', () => {
    const x = tensor([[[-1], [-2]]]);
    expect(prelu(x, tensor([0.5])).toArray()).toEqual([[[-0.5], [-1]]]);
    expect(prelu(x, tensor([0.5, 0.25])).toArray()).toEqual([[[-0.5], [-0.5]]]);
    expect(prelu(tensor(-2), tensor([0.5])).toArray()).toBe(-1);
    expect(() => prelu(x, ones([3]))).toThrow('weight needs 1 or 2 elements');
  });

  test('glu gates the first half by the second, softmin prefers the smallest', () => {
    expect(glu(tensor([2, 4, 0, 0])).toArray()).toEqual([1, 2]);
    expect(softmin(tensor([0, 0, 1000]), 0).toArray()).toEqual([0.5, 0.5, 0]);
    expect(() => glu(ones([3]))).toThrow('cannot be halved');
  });
});

describe('arithmetic', () => {
  test('remainders have the sign of the dividend, or of the divisor', () => {
    const [a, b] = [tensor([5, -5, 5, -5]), tensor([3, 3, -3, -3])];
    expect(fmod(a, b).toArray()).toEqual([2, -2, 2, -2]);
    expect(remainder(a, b).toArray()).toEqual([2, 1, -1, -2]);
  });

  test('rounds ties to even', () => {
    expect(round(tensor([0.5, 1.5, 2.5, -0.5, -1.5, 4.49])).toArray()).toEqual([0, 2, 2, -0, -2, 4]);
  });

  test('lerp is exact at both ends and refuses two dtypes (AMP.md A4)', () => {
    const [a, b] = [tensor([0.1, 1e8]), tensor([0.7, 0.3])];
    expect(lerp(a, b, 0).toArray()).toEqual(a.toArray());
    expect(lerp(a, b, 1).toArray()).toEqual(b.toArray());
    expect(() => lerp(a, b.to('float16'), 0.5)).toThrow('dtypes differ');
  });

  test('atan2 knows all four quadrants', () => {
    const angles = atan2(tensor([1, 1, -1, -1], { dtype: 'float64' }), tensor([1, -1, -1, 1], { dtype: 'float64' }));
    expect(angles.toArray()).toEqual([1, 3, -3, -1].map((n) => (n * Math.PI) / 4));
  });

  test('logic takes anything but 0 for true', () => {
    const [a, b] = [tensor([0, 0, 2, nan]), tensor([0, 1, 0, 1])];
    expect(logicalAnd(a, b).toArray()).toEqual([false, false, false, true]);
    expect(logicalOr(a, b).toArray()).toEqual([false, true, true, true]);
    expect(logicalXor(a, b).toArray()).toEqual([false, true, true, false]);
    expect(logicalNot(a).toArray()).toEqual([true, true, false, false]);
  });

  test('a number beside float64 in where keeps 53 bits', () => {
    const x = tensor([1], { dtype: 'float64' });
    expect(where(tensor([true]), 0.1, x).item()).toBe(0.1);
  });
});

test('linspace has both ends exactly, eye has ones on the diagonal', () => {
  expect(linspace(0, 1, 11, { dtype: 'float64' }).toArray()).toHaveLength(11);
  expect(linspace(-0.1, 0.7, 3, { dtype: 'float64' }).toArray()).toEqual([-0.1, expect.closeTo(0.3, 15), 0.7]);
  expect(linspace(3, 9, 1).toArray()).toEqual([3]);
  expect(eye(2, 3).toArray()).toEqual([
    [1, 0, 0],
    [0, 1, 0],
  ]);
});
