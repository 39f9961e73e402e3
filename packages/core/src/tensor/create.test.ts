import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  arange,
  full,
  Generator,
  isFloat,
  manualSeed,
  ones,
  onesLike,
  rand,
  randn,
  setDefaultDevice,
  tensor,
  zeros,
  zerosLike,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

describe('tensor', () => {
  test('infers the shape of nested arrays', () => {
    expect(
      tensor([
        [[1], [2]],
        [[3], [4]],
      ]).shape,
    ).toEqual([2, 2, 1]);
    expect(tensor(1).shape).toEqual([]);
    expect(tensor([]).shape).toEqual([0]);
    expect(tensor([[], []]).shape).toEqual([2, 0]);
  });

  test('is float32 for numbers, bool for booleans', () => {
    expect([tensor([1]).dtype, tensor([true]).dtype, tensor([1, true]).dtype]).toEqual(['float32', 'bool', 'float32']);
  });

  test('takes typed arrays with a shape', () => {
    const x = tensor(new Float64Array([1, 2, 3, 4]), { shape: [2, 2], dtype: 'float64' });
    expect(x.toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(() => tensor(new Float32Array(3), { shape: [2, 2] })).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: tensor: 3 values do not fill [2,2]]`,
    );
  });

  test('copies what it is given', () => {
    const values = new Float32Array([1, 2]);
    const x = tensor(values);
    values[0] = 9;
    expect(x.toArray()).toEqual([1, 2]);
  });

  test('refuses ragged arrays', () => {
    expect(() => tensor([[1, 2], [3]])).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: tensor: nested arrays are ragged: dim 1 has 2 entries first, then 1]`,
    );
    expect(() => tensor([1, [2]])).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: tensor: nested arrays are ragged: dim 1 has no entries first, then 1]`,
    );
    expect(() => tensor([[1], 2])).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: tensor: nested arrays are ragged: dim 1 has 1 entries first, then a number]`,
    );
  });

  test('refuses what is neither a number nor a boolean', () => {
    expect(() => tensor(['1'] as unknown as number[])).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: tensor: expected numbers or booleans, found string]`,
    );
    expect(() => tensor([1, null] as unknown as number[])).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: tensor: expected numbers or booleans, found object]`,
    );
  });

  test('rounds to float16 by way of float32, as PyTorch does', () => {
    // A single rounding of the double would give 1.0009765625 (AMP.md D2.2).
    expect(tensor(1.0004882812509095, { dtype: 'float16' }).item()).toBe(1);
  });
});

describe('factories', () => {
  test('fill', () => {
    expect(full([2], 1.5, { dtype: 'bfloat16' }).toArray()).toEqual([1.5, 1.5]);
    expect(zeros([2]).toArray()).toEqual([0, 0]);
    expect(ones([], { dtype: 'int32' }).item()).toBe(1);
  });

  test('take after another tensor', () => {
    const x = tensor([[1, 2]], { dtype: 'float16' });
    expect([zerosLike(x).dtype, zerosLike(x).shape]).toEqual(['float16', [1, 2]]);
    expect(onesLike(x, { dtype: 'float32' }).dtype).toBe('float32');
  });
});

describe('arange', () => {
  test('counts like PyTorch', () => {
    expect(arange(4).toArray()).toEqual([0, 1, 2, 3]);
    expect(arange(1, 10, 3).toArray()).toEqual([1, 4, 7]);
    expect(arange(3, 0, -1).toArray()).toEqual([3, 2, 1]);
    expect(arange(0, 1, 0.25).toArray()).toEqual([0, 0.25, 0.5, 0.75]);
    expect(arange(5, 5).shape).toEqual([0]);
  });

  test('is int32 for integers, else float32, unless told otherwise', () => {
    expect([arange(3).dtype, arange(0.5).dtype, arange(3, { dtype: 'float64' }).dtype]).toEqual([
      'int32',
      'float32',
      'float64',
    ]);
  });

  test('refuses to run forever', () => {
    expect(() => arange(0, 1, 0)).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: arange: cannot go from 0 to 1 in steps of 0]`,
    );
  });
});

describe('random tensors', () => {
  test('are the same for the same seed, whatever was drawn before', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(50), (seed, before) => {
        manualSeed(seed);
        const first = [...randn([7]).dataSync()];
        rand([before]);
        manualSeed(seed);
        expect([...randn([7]).dataSync()]).toEqual(first);
        expect([...randn([7], { generator: new Generator(seed) }).dataSync()]).toEqual(first);
      }),
      { numRuns: 20 },
    );
  });

  test('have these bits for seed 0, on every machine', () => {
    manualSeed(0);
    expect(rand([4]).toArray()).toEqual([0x6627e8, 0xe169c5, 0xbc57ac, 0x9b00db].map((bits) => bits / 2 ** 24));
    expect(randn([4], { dtype: 'float64' }).toArray()).toMatchInlineSnapshot(`
      [
        1.9148032991409762,
        0.5070237328026893,
        -2.0652553559339624,
        -1.07607612419451,
      ]
    `);
  });

  test('have the moments of their distributions', () => {
    manualSeed(1);
    const n = 100_000;
    const uniform = rand([n], { dtype: 'float64' });
    const normal = randn([n], { dtype: 'float64' });
    // Five standard errors: √(variance / n), and √(2 / n) for the variance of a normal sample.
    expect(Math.abs(uniform.mean().item() - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(uniform.variance().item() - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / n));
    expect(Math.abs(normal.mean().item())).toBeLessThan(5 * Math.sqrt(1 / n));
    expect(Math.abs(normal.variance().item() - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
    // Skewness and kurtosis of a normal sample vary by √(6/n) and √(24/n).
    expect(Math.abs(normal.pow(3).mean().item())).toBeLessThan(5 * Math.sqrt(15 / n));
    expect(Math.abs(normal.pow(4).mean().item() - 3)).toBeLessThan(5 * Math.sqrt(96 / n));
  });

  test('stay below 1 in every float dtype that is wide enough', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      expect(isFloat(dtype)).toBe(true);
      expect(rand([10_000], { dtype }).less(1).to('int32').sum().item()).toBe(10_000);
    }
  });

  test('refuse a seed that is not a whole number', () => {
    expect(() => manualSeed(1.5)).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: Generator: the seed must be an integer from 0 to 2^53 − 1, got 1.5]`,
    );
    expect(() => new Generator(-1)).toThrow('seed');
  });
});
