import {
  amax,
  argmax,
  type DType,
  encodeNumbers,
  finfo,
  fromHost,
  logSoftmax,
  mean,
  softmax,
  sum,
  type Tensor,
  variance,
} from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpu } from '../index.ts';
import { sumRow } from './reduction.ts';

const load = (
  values: ArrayLike<number>,
  dtype: DType = 'float32',
  shape: readonly number[] = [values.length],
): Tensor => fromHost(encodeNumbers(values, dtype), shape, { dtype, device: cpu });

const numbersOf = (x: Tensor): number[] => [...x.dataSync()];

describe('the sum of a row', () => {
  test('adds four lanes per block of 128, and blocks pairwise', () => {
    const { fround } = Math;
    /** The documented order, written as a recipe: lanes first, then halves. */
    const recipe = (values: readonly number[]): number => {
      if (values.length > 128) {
        const half = Math.ceil(values.length / 256) * 128;
        return fround(recipe(values.slice(0, half)) + recipe(values.slice(half)));
      }
      const whole = values.length - (values.length % 4);
      const lanes = [0, 1, 2, 3].map((lane) =>
        values.slice(0, whole).reduce((total, v, i) => (i % 4 === lane ? fround(total + v) : total), 0),
      );
      const joined = fround(fround(lanes[0]! + lanes[1]!) + fround(lanes[2]! + lanes[3]!));
      return values.slice(whole).reduce((total, v) => fround(total + v), joined);
    };
    fc.assert(
      fc.property(fc.float32Array({ maxLength: 700, size: 'max', noNaN: true, min: -1000, max: 1000 }), (values) => {
        expect(sumRow(values, 0, values.length)).toBe(recipe([...values]));
      }),
    );
  });

  test('loses log₂ n units of accuracy at most, where a running sum loses n', () => {
    const n = 1_000_000;
    const values = new Float32Array(n).fill(0.1);
    // 32 additions in a lane, 2 to join them, 13 levels of halving.
    const bound = 47 * finfo('float32').eps * n * 0.1;
    expect(Math.abs(sum(load(values)).item() - n * Math.fround(0.1))).toBeLessThanOrEqual(bound);
  });

  test('of integers wraps around, and counts bools', () => {
    expect(sum(load([2 ** 31 - 1, 1], 'int32')).item()).toBe(-(2 ** 31));
    const many = new Uint8Array(1000).fill(1);
    expect([sum(load(many, 'bool')).dtype, sum(load(many, 'bool')).item()]).toEqual(['int32', 1000]);
    expect(sum(load(many, 'bool'), undefined, { dtype: 'bool' }).item()).toBe(1);
  });

  test('of nothing is 0, and the mean of nothing NaN', () => {
    const empty = load([], 'float32', [2, 0]);
    expect(numbersOf(sum(empty, 1))).toEqual([0, 0]);
    expect(numbersOf(mean(empty, 1))).toEqual([Number.NaN, Number.NaN]);
    expect(numbersOf(variance(empty, 1))).toEqual([Number.NaN, Number.NaN]);
    expect(numbersOf(variance(load([5]), 0))).toEqual([Number.NaN]);
  });
});

test('a reduction over some dimensions is the reduction of each part', () => {
  const shape = [2, 3, 4];
  const all = fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 24, maxLength: 24 });
  fc.assert(
    fc.property(all, fc.subarray([0, 1, 2]), (values, dims) => {
      const x = load(values, 'int32', shape);
      const kept = [0, 1, 2].filter((dim) => !dims.includes(dim));
      const parts = new Map<string, number[]>();
      values.forEach((value, flat) => {
        const index = [Math.floor(flat / 12), Math.floor(flat / 4) % 3, flat % 4];
        const key = kept.map((dim) => index[dim]).join();
        parts.set(key, [...(parts.get(key) ?? []), value]);
      });
      const each = [...parts.values()];
      expect(numbersOf(sum(x, dims))).toEqual(each.map((part) => part.reduce((a, b) => a + b, 0)));
      expect(numbersOf(amax(x, dims))).toEqual(each.map((part) => Math.max(...part)));
      expect(sum(x, dims, { keepDim: true }).shape).toEqual(shape.map((n, dim) => (dims.includes(dim) ? 1 : n)));
    }),
  );
});

test('the first maximum is found, and a NaN before all', () => {
  const x = load([1, 3, 3, 2, Number.NaN, 9, Number.NaN, 1], 'float32', [2, 4]);
  expect(numbersOf(argmax(x, 1))).toEqual([1, 0]);
  expect(numbersOf(amax(x, 1))).toEqual([3, Number.NaN]);
});

test('the variance does not suffer from a large mean', () => {
  expect(variance(load([10_001, 10_002, 10_003]), 0).item()).toBe(1);
});

describe('softmax', () => {
  const { NEGATIVE_INFINITY: low, POSITIVE_INFINITY: high, NaN: nan } = Number;

  test('of large numbers does not overflow, nor does its logarithm underflow', () => {
    const x = load([1000, 1000, 0], 'float32');
    expect(numbersOf(softmax(x, 0))).toEqual([0.5, 0.5, 0]);
    expect(numbersOf(logSoftmax(x, 0)).at(-1)).toBe(Math.fround(-1000 - Math.log(2)));
  });

  test('ignores −∞, unless there is nothing else', () => {
    expect(numbersOf(softmax(load([low, 0, 0]), 0))).toEqual([0, 0.5, 0.5]);
    expect(numbersOf(softmax(load([low, low]), 0))).toEqual([nan, nan]);
    expect(numbersOf(softmax(load([high, 0]), 0))).toEqual([nan, nan]);
    expect(numbersOf(logSoftmax(load([low, low]), 0))).toEqual([nan, nan]);
  });

  test('runs along any dimension', () => {
    const x = load([0, 1, 2, 0, 1, 2], 'float32', [2, 3]);
    expect(numbersOf(softmax(x, 0))).toEqual(new Array(6).fill(0.5));
  });
});
