import { cpu } from '@halfgrad/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  abs,
  amax,
  clamp,
  derivatives,
  expand,
  grad,
  infer,
  maximum,
  maxPool1d,
  minimum,
  norm,
  pow,
  relu,
  setDefaultDevice,
  std,
  sum,
  type Tensor,
  tensor,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

function gradient(fn: (x: Tensor) => Tensor, values: readonly number[]): unknown {
  const x = tensor(values, { dtype: 'float64', requiresGrad: true });
  return grad(sum(fn(x)), x).toArray();
}

/** Points where finite differences say nothing, and PyTorch has made a choice. */
describe('at a kink', () => {
  test('relu and abs have slope 0 at 0', () => {
    expect(gradient(relu, [-1, 0, 1])).toEqual([0, 0, 1]);
    expect(gradient(abs, [-1, 0, 1])).toEqual([-1, 0, 1]);
  });

  test('clamp has slope 1 on its bounds', () => {
    expect(gradient((x) => clamp(x, { min: -1, max: 1 }), [-2, -1, 0, 1, 2])).toEqual([0, 1, 1, 1, 0]);
  });

  test('equal operands of maximum and minimum share the gradient', () => {
    const other = tensor([0, 1, 2], { dtype: 'float64' });
    expect(gradient((x) => maximum(x, other), [1, 1, 1])).toEqual([1, 0.5, 0]);
    expect(gradient((x) => minimum(x, other), [1, 1, 1])).toEqual([0, 0.5, 1]);
  });

  test('equal maxima share the gradient of amax; the first one takes that of maxPool', () => {
    expect(gradient((x) => amax(x), [3, 1, 3])).toEqual([0.5, 0, 0.5]);
    expect(gradient((x) => maxPool1d(x.reshape([1, 1, 4]), 2), [3, 3, 1, 2])).toEqual([1, 0, 0, 1]);
  });

  test('a norm or standard deviation of 0 has gradient 0', () => {
    expect(gradient((x) => norm(x), [0, 0])).toEqual([0, 0]);
    expect(gradient((x) => norm(x, 3), [0, 0])).toEqual([0, 0]);
    expect(gradient((x) => std(x), [2, 2, 2])).toEqual([0, 0, 0]);
  });
});

describe('pow', () => {
  test('to a constant has the usual derivative at base 0', () => {
    expect(gradient((x) => pow(x, 2), [0, 3])).toEqual([0, 6]);
    expect(gradient((x) => pow(x, 1), [0, 3])).toEqual([1, 1]);
    expect(gradient((x) => pow(x, 0), [0, 3])).toEqual([0, 0]);
  });

  test('by the exponent is 0 where the base is 0', () => {
    expect(gradient((x) => pow(0, x), [0, 2])).toEqual([0, 0]);
    expect(gradient((x) => pow(1, x), [0, 2])).toEqual([0, 0]);
  });
});

describe('the table', () => {
  test('has a row for every op, and no other', () => {
    expect(Object.keys(derivatives).toSorted()).toEqual(Object.keys(infer).toSorted());
  });

  test('reduces a broadcast gradient even when the op is expand', () => {
    expect(gradient((x) => expand(x.reshape([2, 1]), [3, 2, 4]), [1, 2])).toEqual([12, 12]);
  });
});
