import { cpu } from '@halfgrad/backend-cpu';
import { tensor, update, zerosLike } from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  claim,
  claimNow,
  exactly,
  expectEqual,
  expectNumbers,
  Mismatch,
  near,
  recordedAs,
  within,
  withinUlps,
} from './compare.ts';

describe('what counts as the same number', () => {
  const agreements = {
    exactly,
    within: within({ relative: 1e-3, absolute: 1e-3 }),
    near: near(1e-3),
    withinUlps: withinUlps(1, 'float32'),
  };

  test.each(Object.entries(agreements))('%s takes every number for itself, NaN too', (_, agrees) => {
    fc.assert(fc.property(fc.double(), (x) => agrees(x, x, 0)));
  });

  test.each(Object.entries(agreements))('%s takes no number for NaN, nor NaN for a number', (_, agrees) => {
    const number = fc.double({ noNaN: true });
    fc.assert(fc.property(number, (x) => !agrees(Number.NaN, x, 0) && !agrees(x, Number.NaN, 0)));
  });

  test('an infinity is near no finite number', () => {
    for (const agrees of [within({ relative: 1, absolute: 1e300 }), near(1e6)]) {
      expect(agrees(Number.POSITIVE_INFINITY, 1e300, 0)).toBe(false);
      expect(agrees(1e300, Number.POSITIVE_INFINITY, 0)).toBe(false);
      expect(agrees(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0)).toBe(false);
    }
  });

  test('only `exactly` tells the zeros apart', () => {
    expect(exactly(-0, 0, 0)).toBe(false);
    expect(near(0)(-0, 0, 0)).toBe(true);
    expect(withinUlps(0, 'float16')(-0, 0, 0)).toBe(true);
  });

  test.each([
    ['float16', 1, 1 + 2 ** -10],
    ['bfloat16', 1, 1 + 2 ** -7],
    ['float32', 1, 1 + 2 ** -23],
    ['float32', 2 ** -149, -(2 ** -149)],
  ] as const)('counts the numbers of %s between %d and %d', (dtype, a, b) => {
    const distance = a > 0 && b < 0 ? 2 : 1;
    expect(withinUlps(distance, dtype)(a, b, 0)).toBe(true);
    expect(withinUlps(distance - 1, dtype)(a, b, 0)).toBe(false);
  });
});

describe('a mismatch says', () => {
  const x = tensor([1, 2, 3, 4], { shape: [2, 2], device: cpu });
  const check = (numbers: number[]) =>
    claim('out', x, recordedAs('float32', [2, 2], numbers), exactly).check([1, 2, 3, 4]);

  test('where the first wrong element is, and how many there are', () => {
    expect(() => check([1, 2, 3, 4])).not.toThrow();
    expect(() => check([1, 2, 0, -0])).toThrow(new Mismatch('out at [1,0]: 3, recorded 0, and 1 more of 4'));
  });

  test('that dtype or shape differ', () => {
    const wrong = () => claim('out', x, { dtype: 'float16', shape: [4], values: [1, 2, 3, 4] }, exactly);
    expect(wrong).toThrow(new Mismatch('out: float32[2,2], recorded float16[4]'));
  });

  test('what was, of a tensor that is written to later', async () => {
    const before = claimNow('weights', x, [1, 2, 3, 4], exactly);
    update('assign', { target: x, source: zerosLike(x), foundInf: undefined, noise: undefined });
    const values = await before.actual.data();
    expect(() => before.check(values)).not.toThrow();
  });

  test('that there are too few or too many numbers', () => {
    expect(() => expectNumbers('state', [], { values: [1] }, exactly)).toThrow('state: 0 numbers, recorded 1');
  });

  test('what else differs', () => {
    expect(() => expectEqual('scale', [8, 0], [8, 0])).not.toThrow();
    expect(() => expectEqual('scale', [8, 0], [16, 0])).toThrow(new Mismatch('scale: [8,0], recorded [16,0]'));
  });
});

test('recorded numbers are rounded to the dtype: files print no more digits than it takes', () => {
  expect(Array.from(recordedAs('float32', [1], [0.47851562]).values)).toEqual([Math.fround(0.47851562)]);
});
