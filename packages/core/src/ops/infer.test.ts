import { cpu } from '@halfgrad/backend-cpu';
import { beforeEach, expect, test } from 'vitest';
import {
  add,
  amax,
  batchNorm,
  clamp,
  concat,
  conv2d,
  crossEntropy,
  dropout,
  expand,
  gather,
  layerNorm,
  linear,
  matmul,
  maxPool2d,
  mean,
  mseLoss,
  neg,
  ones,
  permute,
  reshape,
  setDefaultDevice,
  softmax,
  sum,
  type TensorError,
  transpose,
  where,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

const int = { dtype: 'int32' } as const;

/** What a user gets wrong, and what the library answers. */
const mistakes: readonly [string, () => unknown][] = [
  ['shapes that do not broadcast', () => add(ones([2, 3]), ones([2, 4]))],
  ['an inner dimension that differs', () => matmul(ones([2, 3]), ones([4, 5]))],
  ['matrices of different dtypes', () => matmul(ones([2, 3]), ones([3, 2], { dtype: 'float16' }))],
  ['a vector where there is no dimension left', () => transpose(ones([3]))],
  ['features that do not fit the layer', () => linear(ones([2, 5]), ones([3, 4]))],
  ['an image without a batch', () => conv2d(ones([3, 8, 8]), ones([4, 3, 3, 3]))],
  ['channels that do not fit the kernel', () => conv2d(ones([1, 3, 8, 8]), ones([4, 2, 3, 3]))],
  ['an image smaller than the kernel', () => conv2d(ones([1, 3, 2, 2]), ones([4, 3, 3, 3]))],
  ['padding of more than half a window', () => maxPool2d(ones([1, 1, 4, 4]), 2, { padding: 2 })],
  ['a shape with another number of elements', () => reshape(ones([2, 3]), [4])],
  ['a permutation that is none', () => permute(ones([2, 3]), [0, 0])],
  ['a shape that cannot be reached by repetition', () => expand(ones([2]), [3])],
  ['a dimension that is not there', () => sum(ones([2, 3]), 2)],
  ['a dimension named twice', () => sum(ones([2, 3]), [0, -2])],
  ['the maximum of nothing', () => amax(ones([2, 0]), 1)],
  ['the mean of integers', () => mean(ones([3], int))],
  ['minus a truth value', () => neg(ones([3], { dtype: 'bool' }))],
  ['a condition that is not bool', () => where(ones([3]), 1, 0)],
  ['an index that is not an integer', () => gather(ones([3]), 0, ones([3]))],
  ['pieces of different widths', () => concat([ones([2, 3]), ones([2, 4])])],
  ['no pieces', () => concat([])],
  ['targets of another shape', () => mseLoss(ones([3]), ones([3, 1]))],
  ['classes as floats, one per row', () => crossEntropy(ones([2, 3]), ones([2]))],
  ['one class target too many', () => crossEntropy(ones([2, 3]), ones([3], int))],
  ['a batch of one without running statistics', () => batchNorm(ones([1, 3]))],
  ['weights of another width', () => layerNorm(ones([2, 4]), [4], { weight: ones([3]) })],
  ['a softmax of integers', () => softmax(ones([3], int), 0)],
  ['a probability above 1', () => dropout(ones([3]), 1.5)],
  ['a bound that is NaN', () => clamp(ones([3]), { min: Number.NaN })],
];

test.each(mistakes)('answers to %s', (_, mistake) => {
  let error: unknown;
  try {
    mistake();
  } catch (thrown) {
    error = thrown;
  }
  const { name, code, message } = error as TensorError;
  expect(`${name} ${code}\n${message}`).toMatchSnapshot();
});
