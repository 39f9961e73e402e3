import { cpu } from '@halfgrad/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  cosineEmbeddingLoss,
  gaussianNllLoss,
  grad,
  hingeEmbeddingLoss,
  huberLoss,
  klDiv,
  marginRankingLoss,
  multiMarginLoss,
  poissonNllLoss,
  setDefaultDevice,
  smoothL1Loss,
  softMarginLoss,
  sum,
  type Tensor,
  tensor,
  tripletMarginLoss,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

const none = { reduction: 'none' } as const;
const float64 = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'float64' });
const int = (values: number[]): Tensor => tensor(values, { dtype: 'int32' });

describe('binary cross entropy', () => {
  test('of logits has a second derivative at 0', () => {
    const x = float64([0]).requireGrad();
    const first = grad(sum(binaryCrossEntropyWithLogits(x, float64([0.3]))), x, { createGraph: true });
    expect(first.item()).toBeCloseTo(0.2, 15);
    expect(grad(sum(first), x).toArray()).toEqual([0.25]);
  });

  test('of probabilities has PyTorch’s finite gradient at 0 and 1', () => {
    const p = float64([0, 1, 0, 1]).requireGrad();
    const loss = binaryCrossEntropy(p, float64([0, 1, 1, 0]), none);
    expect(loss.toArray()).toEqual([-0, -0, 100, 100]);
    expect(grad(sum(loss), p).toArray()).toEqual([0, 0, -1e12, 1e12]);
  });
});

describe('regression losses', () => {
  const [input, target] = [(): Tensor => float64([0.5, 3]), (): Tensor => float64([0, 0])];

  test('are quadratic near 0 and linear beyond', () => {
    expect(smoothL1Loss(input(), target(), { beta: 2, ...none }).toArray()).toEqual([0.0625, 2]);
    expect(smoothL1Loss(input(), target(), { beta: 0, ...none }).toArray()).toEqual([0.5, 3]);
    expect(huberLoss(input(), target(), { delta: 2, ...none }).toArray()).toEqual([0.125, 4]);
    expect(() => huberLoss(input(), target(), { delta: 0 })).toThrow('It must be positive');
  });

  test('a variance below ε counts as ε, and still moves', () => {
    const variance = float64([0.01]).requireGrad();
    const loss = gaussianNllLoss(float64([1]), float64([0]), variance, { eps: 1 });
    expect(loss.item()).toBe(0.5);
    expect(grad(loss, variance).toArray()).toEqual([0]);
    const far = gaussianNllLoss(float64([3]), float64([0]), variance, { eps: 1 });
    expect(grad(far, variance).toArray()).toEqual([-4]);
  });

  test('count: e^x − yx for the logarithm of a rate, with Stirling’s log y! above 1', () => {
    const [rates, counts] = [float64([0, 0]), int([1, 2])];
    expect(poissonNllLoss(rates, counts, none).toArray()).toEqual([1, 1]);
    const stirling = 2 * Math.log(2) - 2 + 0.5 * Math.log(4 * Math.PI);
    expect(poissonNllLoss(rates, counts, { full: true, ...none }).toArray()).toEqual([
      1,
      expect.closeTo(1 + stirling, 14),
    ]);
  });
});

test('a divergence takes a probability of 0 for nothing, and divides by the batch', () => {
  const [input, target] = [float64([[-1, -2]]), float64([[0, 1]])];
  expect(klDiv(input, target, none).toArray()).toEqual([[0, 2]]);
  expect(klDiv(input, target, { reduction: 'batchmean' }).item()).toBe(2);
});

describe('margins', () => {
  test('hold pairs together or apart', () => {
    expect(hingeEmbeddingLoss(float64([0.25, 0.25]), int([1, -1]), none).toArray()).toEqual([0.25, 0.75]);
    expect(
      marginRankingLoss(float64([2, 2]), float64([1, 1]), int([1, -1]), { margin: 0.5, ...none }).toArray(),
    ).toEqual([0, 1.5]);
    expect(softMarginLoss(float64([1000, -1000]), int([1, 1]), none).toArray()).toEqual([0, 1000]);
    const [a, b] = [float64([[3, 4]]), float64([[4, 3]])];
    expect(cosineEmbeddingLoss(a, b, int([-1]), { margin: 0.5 }).item()).toBeCloseTo(0.46, 10);
  });

  test('a triplet may swap its anchor', () => {
    const [anchor, near, far] = [float64([[0]]), float64([[1]]), float64([[3]])];
    expect(tripletMarginLoss(anchor, near, far, { margin: 3, eps: 0 }).item()).toBe(1);
    expect(tripletMarginLoss(anchor, near, far, { margin: 3, eps: 0, swap: true }).item()).toBe(2);
  });

  test('over classes leave the own one out', () => {
    const scores = float64([[1, 0.5, 2]]);
    expect(multiMarginLoss(scores, int([0])).item()).toBe((0.5 + 2) / 3);
    expect(multiMarginLoss(scores, int([0]), { p: 2, weight: float64([2, 1, 1]) }).item()).toBe((2 * (0.25 + 4)) / 3);
  });
});
