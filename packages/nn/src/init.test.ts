import { cpu } from '@halfgrad/backend-cpu';
import { Generator, manualSeed, setDefaultDevice, type Tensor, zeros } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { BatchNorm2d, Conv2d, Embedding, init, LayerNorm, Linear } from './index.ts';

setDefaultDevice(cpu);

/** Moments of a sample deviate by more than 5 standard errors in one of 1.7 million cases; the seed makes it none. */
const standardErrors = 5;

describe('default initialisation', () => {
  test('draws weights and biases of linear layers from U(−1/√fanIn, 1/√fanIn)', () => {
    manualSeed(0);
    const { weight, bias } = new Linear(64, 1024);
    expectUniform(weight, 1 / 8);
    expectUniform(bias as Tensor, 1 / 8);
  });

  test('counts the channels of one group and the kernel as the inputs of a convolution', () => {
    manualSeed(0);
    const { weight, bias } = new Conv2d(16, 512, [3, 2], { groups: 4 });
    expectUniform(weight, 1 / Math.sqrt(4 * 6));
    expectUniform(bias as Tensor, 1 / Math.sqrt(4 * 6));
  });

  test('draws embeddings from N(0, 1)', () => {
    manualSeed(0);
    expectNormal(new Embedding(200, 50).weight, 1);
  });

  test('starts norms as the identity', () => {
    for (const { weight, bias } of [new BatchNorm2d(3), new LayerNorm(3)]) {
      expect([weight?.toArray(), bias?.toArray()]).toEqual([
        [1, 1, 1],
        [0, 0, 0],
      ]);
    }
    const { runningMean, runningVar, numBatchesTracked } = new BatchNorm2d(2);
    expect([runningMean, runningVar, numBatchesTracked].map((buffer) => buffer?.toArray())).toEqual([
      [0, 0],
      [1, 1],
      0,
    ]);
  });

  test('repeats itself with the same seed, and draws from a given generator', () => {
    const draw = (): unknown => new Linear(3, 2).weight.toArray();
    manualSeed(7);
    const first = draw();
    expect(draw()).not.toEqual(first);
    manualSeed(7);
    expect(draw()).toEqual(first);
    expect(new Linear(3, 2, { generator: new Generator(7) }).weight.toArray()).toEqual(first);
  });
});

describe('init', () => {
  const shape = [128, 64];
  // From fanIn 64 and fanOut 128.
  test.each<[string, (target: Tensor) => Tensor, number]>([
    ['kaimingUniform', (target) => init.kaimingUniform(target), Math.sqrt(6 / 64)],
    ['kaimingUniform with a = 1', (target) => init.kaimingUniform(target, { a: 1 }), Math.sqrt(3 / 64)],
    ['xavierUniform', (target) => init.xavierUniform(target), Math.sqrt(6 / 192)],
    ['xavierUniform with a gain', (target) => init.xavierUniform(target, { gain: 2 }), 2 * Math.sqrt(6 / 192)],
    ['uniform', (target) => init.uniform(target, -2, 2), 2],
  ])('%s is uniform within its bound', (_, fill, bound) => {
    manualSeed(0);
    expectUniform(fill(zeros(shape)), bound);
  });

  test.each<[string, (target: Tensor) => Tensor, number]>([
    ['kaimingNormal', (target) => init.kaimingNormal(target), Math.sqrt(2 / 64)],
    [
      'kaimingNormal by fanOut, for tanh',
      (target) => init.kaimingNormal(target, { mode: 'fanOut', nonlinearity: 'tanh' }),
      5 / 3 / Math.sqrt(128),
    ],
    ['xavierNormal', (target) => init.xavierNormal(target), Math.sqrt(2 / 192)],
    ['normal', (target) => init.normal(target, 0, 3), 3],
  ])('%s is normal with its deviation', (_, fill, std) => {
    manualSeed(0);
    expectNormal(fill(zeros(shape)), std);
  });

  test('fills in place, in the dtype of the target', () => {
    const target = zeros([2], { dtype: 'float16' });
    expect(init.ones(target)).toBe(target);
    expect([target.dtype, target.toArray()]).toEqual(['float16', [1, 1]]);
    expect(init.constant(target, 0.1).toArray()).toEqual([0.0999755859375, 0.0999755859375]);
    expect(init.zeros(target).toArray()).toEqual([0, 0]);
  });

  test('needs a weight with inputs and outputs', () => {
    expect(() => init.kaimingUniform(zeros([3]))).toThrow('init: [3] has no fan. Use a weight of 2 or more dims.');
  });
});

function expectUniform(x: Tensor, bound: number): void {
  const { values, mean, variance } = moments(x);
  const n = values.length;
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
  expect(Math.abs(mean)).toBeLessThan((standardErrors * bound) / Math.sqrt(3 * n));
  // The fourth moment of U(−b, b) is b⁴/5, so the variance of squares is b⁴ (1/5 − 1/9).
  const error = bound ** 2 * Math.sqrt((1 / 5 - 1 / 9) / n);
  expect(Math.abs(variance - bound ** 2 / 3)).toBeLessThan(standardErrors * error);
}

function expectNormal(x: Tensor, std: number): void {
  const { values, mean, variance } = moments(x);
  const n = values.length;
  expect(Math.abs(mean)).toBeLessThan((standardErrors * std) / Math.sqrt(n));
  expect(Math.abs(variance - std ** 2)).toBeLessThan(standardErrors * std ** 2 * Math.sqrt(2 / n));
  // About 4.6 % of a normal sample lie beyond 2 standard deviations, none of a uniform one.
  const tail = values.filter((value) => Math.abs(value) > 2 * std).length / n;
  expect(Math.abs(tail - 0.0455)).toBeLessThan(standardErrors * Math.sqrt(0.0455 / n));
}

function moments(x: Tensor): { values: number[]; mean: number; variance: number } {
  const values = Array.from(x.dataSync());
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  return { values, mean, variance: values.reduce((total, value) => total + value ** 2, 0) / values.length };
}
