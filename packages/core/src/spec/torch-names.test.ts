import { expect, test } from 'vitest';
import { torchName } from './torch-names.ts';

test.each([
  ['weight', 'weight'],
  ['runningMean', 'running_mean'],
  ['numBatchesTracked', 'num_batches_tracked'],
  ['layer1', 'layer1'],
  ['0', '0'],
  ['maxExpAvgSq', 'max_exp_avg_sq'],
  ['LayerNorm', 'LayerNorm'],
])('PyTorch calls %s %s', (name, key) => {
  expect(torchName(name)).toBe(key);
});
