import {
  type DType,
  dispatch,
  encodeNumbers,
  fromHost,
  nllLoss,
  type Tensor,
  TensorError,
  tensor,
} from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpu } from '../index.ts';

const load = (values: readonly number[], shape: readonly number[], dtype: DType): Tensor =>
  fromHost(encodeNumbers(values, dtype), shape, { dtype, device: cpu });

const integers = (length: number, max: number) => fc.array(fc.nat({ max }), { minLength: length, maxLength: length });

describe('reading by index', () => {
  test('indexSelect takes whole slices', () => {
    fc.assert(
      fc.property(integers(2 * 4 * 3, 99), integers(5, 3), (values, index) => {
        const out = dispatch(
          'indexSelect',
          { x: load(values, [2, 4, 3], 'float16'), index: load(index, [5], 'int32') },
          { dim: 1 },
        );
        const expected = [0, 1].flatMap((o) => index.flatMap((i) => [0, 1, 2].map((j) => values[o * 12 + i * 3 + j])));
        expect([...out.dataSync()]).toEqual(expected);
      }),
    );
  });

  test('gather takes single elements, from a part of the other dimensions too', () => {
    fc.assert(
      fc.property(integers(3 * 4 * 2, 99), integers(2 * 5 * 1, 3), (values, index) => {
        const out = dispatch(
          'gather',
          { x: load(values, [3, 4, 2], 'float64'), index: load(index, [2, 5, 1], 'int32') },
          { dim: 1 },
        );
        expect([...out.dataSync()]).toEqual(index.map((i, flat) => values[Math.floor(flat / 5) * 8 + i * 2]));
      }),
    );
  });
});

describe('adding by index', () => {
  test.each(['indexAdd', 'scatterAdd'] as const)('%s keeps float32 sums until it rounds once', (op) => {
    // In float16 2048 + 1 is 2048, however often.
    const [index, source] = [load([1, 1, 1, 1, 1], [5], 'int32'), load([2048, 1, 1, 1, 1], [5], 'float16')];
    expect([...dispatch(op, { index, source }, { dim: 0, size: 3 }).dataSync()]).toEqual([0, 2052, 0]);
  });

  test('is the transpose of reading by index', () => {
    fc.assert(
      fc.property(integers(4 * 2, 9), integers(6, 3), integers(6 * 2, 9), (x, index, grad) => {
        const entries = load(index, [6], 'int32');
        const read = dispatch('indexSelect', { x: load(x, [4, 2], 'int32'), index: entries }, { dim: 0 }).dataSync();
        const added = dispatch(
          'indexAdd',
          { index: entries, source: load(grad, [6, 2], 'int32') },
          { dim: 0, size: 4 },
        );
        expect(dot([...read], grad)).toBe(dot(x, [...added.dataSync()]));
        const places = load(
          index.flatMap((i) => [i, i]),
          [6, 2],
          'int32',
        );
        const gathered = dispatch('gather', { x: load(x, [4, 2], 'int32'), index: places }, { dim: 0 }).dataSync();
        const scattered = dispatch(
          'scatterAdd',
          { index: places, source: load(grad, [6, 2], 'int32') },
          { dim: 0, size: 4 },
        );
        expect(dot([...gathered], grad)).toBe(dot(x, [...scattered.dataSync()]));
      }),
    );
  });
});

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

describe('an index out of range is refused', () => {
  const x = load([1, 2, 3], [3], 'float32');

  test.each([3, -1])('%d of 3', (entry) => {
    const index = load([0, entry], [2], 'int32');
    const problem = `index ${entry} is out of range for dim 0 of size 3`;
    expect(() => dispatch('gather', { x, index }, { dim: 0 })).toThrow(
      `gather: ${problem} (x: float32[3], index: int32[2])`,
    );
    expect(() => dispatch('indexSelect', { x, index }, { dim: 0 })).toThrow(`indexSelect: ${problem}`);
    const source = load([1, 1], [2], 'float32');
    expect(() => dispatch('scatterAdd', { index, source }, { dim: 0, size: 3 })).toThrow(`scatterAdd: ${problem}`);
    expect(() => dispatch('indexAdd', { index, source }, { dim: 0, size: 3 })).toThrow(`indexAdd: ${problem}`);
  });

  test('also as the class of a target', () => {
    const target = tensor([0, 7], { dtype: 'int32', device: cpu });
    const input = tensor(
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
      { device: cpu },
    );
    expect(() => nllLoss(input, target)).toThrow(TensorError);
    expect(() => nllLoss(input, target)).toThrow('index 7 is out of range for dim 1 of size 3');
  });
});
