import { cpu } from '@halfgrad/backend-cpu';
import { setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { array, double, assert as holds, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BatchNorm1d, BatchNorm2d } from '../index.ts';

setDefaultDevice(cpu);

const batches = integer({ min: 2, max: 6 }).chain((n) =>
  array(array(double({ noNaN: true, min: -8, max: 8 }), { minLength: n, maxLength: n }), {
    minLength: 1,
    maxLength: 3,
  }),
);

describe('batch norm', () => {
  test('normalises with the batch while training and keeps unbiased running statistics', () => {
    holds(
      property(batches, double({ noNaN: true, min: 0, max: 1 }), (channels, momentum) => {
        const layer = new BatchNorm1d(channels.length, { dtype: 'float64', momentum, eps: 1e-3 });
        const out = layer.forward(columns(channels)).transpose().toArray() as number[][];
        channels.forEach((values, c) => {
          const n = values.length;
          const mean = sum(values) / n;
          const variance = sum(values.map((x) => (x - mean) ** 2)) / n;
          values.forEach((x, i) => {
            expect(out[c]?.[i]).toBeCloseTo((x - mean) / Math.sqrt(variance + 1e-3), 10);
          });
          expect(at(layer.runningMean, c)).toBeCloseTo(momentum * mean, 10);
          expect(at(layer.runningVar, c)).toBeCloseTo(1 - momentum + (momentum * variance * n) / (n - 1), 10);
        });
        expect(layer.numBatchesTracked?.item()).toBe(1);
      }),
    );
  });

  test('uses the running statistics in evaluation and leaves them alone', () => {
    const layer = new BatchNorm1d(1, { eps: 0 }).eval();
    layer.loadStateDict({
      weight: tensor([3]),
      bias: tensor([1]),
      running_mean: tensor([2]),
      running_var: tensor([4]),
      num_batches_tracked: tensor(5, { dtype: 'int32' }),
    });
    const before = layer.stateDict();
    // (x − 2) / 2 · 3 + 1
    expect(layer.forward(tensor([[2], [6]])).toArray()).toEqual([[1], [7]]);
    expect(show(layer.stateDict())).toEqual(show(before));
  });

  test('uses the batch in evaluation too when it tracks nothing', () => {
    const layer = new BatchNorm1d(1, { trackRunningStats: false, eps: 0 }).eval();
    expect(layer.forward(tensor([[1], [3]])).toArray()).toEqual([[-1], [1]]);
    expect(layer.buffers()).toEqual([]);
  });

  test('counts batches, which two halves of momentum 0.5 average', () => {
    const layer = new BatchNorm2d(1, { momentum: 0.5 });
    layer.forward(tensor([[[[0, 4]]]]));
    layer.forward(tensor([[[[8, 12]]]]));
    // 0.5 · (0.5 · 0 + 0.5 · 2) + 0.5 · 10
    expect(layer.runningMean?.toArray()).toEqual([5.5]);
    expect(layer.numBatchesTracked?.item()).toBe(2);
  });

  test('keeps float32 statistics of float16 inputs whose squares overflow (AMP.md A4.3)', () => {
    const layer = new BatchNorm1d(1, { momentum: 1 });
    const out = layer.forward(tensor([[-1024], [1024]], { dtype: 'float16' }));
    expect([out.dtype, out.toArray()]).toEqual(['float16', [[-1], [1]]]);
    expect([layer.runningVar?.dtype, layer.runningVar?.toArray()]).toEqual(['float32', [2 ** 21]]);
  });

  test('passes gradients to its parameters', () => {
    const layer = new BatchNorm1d(1, { eps: 0 });
    layer
      .forward(tensor([[1], [3]]))
      .mul(tensor([[1], [4]]))
      .sum()
      .backward();
    expect([layer.weight?.grad?.toArray(), layer.bias?.grad?.toArray()]).toEqual([[3], [5]]);
  });

  test('says which dimensions it takes', () => {
    expect(() => new BatchNorm2d(2).forward(tensor([[1, 2]]))).toThrow(
      'BatchNorm2d: x needs 4 dimensions (x: float32[1,2])',
    );
    expect(() => new BatchNorm1d(2).forward(tensor([1]))).toThrow('BatchNorm1d: x needs 2 or 3 dimensions');
    expect(() => new BatchNorm1d(0)).toThrow('BatchNorm1d: numFeatures is 0. Use a positive integer.');
    expect(() => new BatchNorm1d(1).forward(tensor([[1]]))).toThrow('a batch of one value per channel has no variance');
  });
});

function columns(channels: readonly number[][]): Tensor {
  return tensor(channels, { dtype: 'float64' }).transpose();
}

function sum(values: readonly number[]): number {
  return values.reduce((total, x) => total + x, 0);
}

function at(x: Tensor | undefined, i: number): number {
  return x?.dataSync()[i] as number;
}

function show(state: Readonly<Record<string, Tensor>>): unknown {
  return Object.entries(state).map(([name, value]) => [name, value.toArray()]);
}
