import { cpu } from '@halfgrad/backend-cpu';
import { setDefaultDevice, tensor } from '@halfgrad/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { DataLoader } from './data-loader.ts';
import { TensorDataset } from './tensor-dataset.ts';

beforeAll(() => setDefaultDevice(cpu));

describe('TensorDataset', () => {
  test('selects the same examples of every tensor, in their own dtypes', () => {
    const ids = tensor(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      { dtype: 'int32' },
    );
    const mask = tensor([
      [true, false],
      [true, true],
      [false, false],
    ]);
    const label = tensor([0.5, 1.5, 2.5], { dtype: 'float16' });
    const batch = new TensorDataset({ ids, mask, label }).collate(Int32Array.of(2, 0));
    expect(batch.ids.toArray()).toEqual([
      [5, 6],
      [1, 2],
    ]);
    expect(batch.mask.toArray()).toEqual([
      [false, false],
      [true, false],
    ]);
    expect(batch.label.toArray()).toEqual([2.5, 0.5]);
    expect([batch.ids.dtype, batch.mask.dtype, batch.label.dtype]).toEqual(['int32', 'bool', 'float16']);
  });

  test('is loaded like any other dataset', () => {
    const x = tensor([10, 20, 30, 40, 50]);
    const loader = new DataLoader(new TensorDataset({ x }), { batchSize: 2, dropLast: true });
    expect(Array.from(loader, (batch) => batch.x.toArray())).toEqual([
      [10, 20],
      [30, 40],
    ]);
  });

  test('refuses tensors with different numbers of examples, none, and numbers', () => {
    const [two, three] = [tensor([1, 2]), tensor([1, 2, 3])];
    expect(() => new TensorDataset({ x: two, y: three })).toThrow(
      'TensorDataset: dimension 0 must be the same for all (x: float32[2], y: float32[3])',
    );
    expect(() => new TensorDataset({})).toThrow('TensorDataset');
    expect(() => new TensorDataset({ x: tensor(1) })).toThrow('TensorDataset');
  });
});
