import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  all,
  any,
  argsort,
  grad,
  max,
  min,
  prod,
  setDefaultDevice,
  sort,
  std,
  sum,
  type Tensor,
  tensor,
  topk,
  zeros,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

const withTies = fc.array(fc.constantFrom(-2, -1, 0, 1, 2, Number.NaN), { minLength: 1, maxLength: 8 });

/** Numbers in order, NaN as the largest; JavaScript's sort keeps the order of equal ones. */
function order(values: readonly number[], descending: boolean): number[] {
  const rank = (x: number): number => (Number.isNaN(x) ? Number.POSITIVE_INFINITY : x);
  const compare = (i: number, j: number): number => {
    const [a, b] = [rank(values[i] as number), rank(values[j] as number)];
    return a === b ? 0 : (a < b ? -1 : 1) * (descending ? -1 : 1);
  };
  return values.map((_, i) => i).sort(compare);
}

describe('sorting', () => {
  test('is stable in both directions, with NaN as the largest', () => {
    fc.assert(
      fc.property(withTies, fc.boolean(), (values, descending) => {
        const expected = order(values, descending);
        const x = tensor(values, { dtype: 'float64' });
        expect(argsort(x, 0, { descending }).toArray()).toEqual(expected);
        const sorted = sort(x, -1, { descending });
        expect(sorted.values.toArray()).toEqual(expected.map((i) => values[i]));
        expect(sorted.indices.toArray()).toEqual(expected);
      }),
    );
  });

  test('topk takes the first of them, along any dimension', () => {
    const x = tensor([
      [3, 1],
      [2, 5],
      [4, 0],
    ]);
    expect(topk(x, 2, 0).values.toArray()).toEqual([
      [4, 5],
      [3, 1],
    ]);
    expect(topk(x, 1, 1, { largest: false }).indices.toArray()).toEqual([[1], [0], [1]]);
    expect(() => topk(x, 4, 0)).toThrow('k is 4, but dim 0 has 3 elements');
  });

  test('sends gradients where elements came from', () => {
    const x = tensor([3, 1, 2]).requireGrad();
    const { values } = sort(x);
    expect(grad(sum(values.mul(tensor([10, 20, 30]))), x).toArray()).toEqual([30, 10, 20]);
  });

  test('max and min give the whole gradient to the first of equal elements', () => {
    const x = tensor([1, 3, 3]).requireGrad();
    const { values, indices } = max(x, 0);
    expect([values.item(), indices.item()]).toEqual([3, 1]);
    expect(grad(values, x).toArray()).toEqual([0, 1, 0]);
    expect(min(tensor([[2, 1, 1]]), 1, { keepDim: true }).indices.toArray()).toEqual([[1]]);
  });
});

describe('reductions', () => {
  test('any and all know what to say of nothing, and count NaN as true', () => {
    const x = tensor([
      [0, 0, 0],
      [0, Number.NaN, 1],
      [1, 2, 3],
    ]);
    expect(any(x, 1).toArray()).toEqual([false, true, true]);
    expect(all(x, 1).toArray()).toEqual([false, false, true]);
    expect([any(zeros([0])).item(), all(zeros([0])).item()]).toEqual([0, 1]);
  });

  test.each([
    ['without a zero', [2, 3, 4], [12, 8, 6]],
    ['with one', [2, 0, 4], [0, 8, 0]],
    ['with two', [2, 0, 0], [0, 0, 0]],
  ])('a product %s has the gradient of the other factors', (_, values, expected) => {
    const x = tensor(values).requireGrad();
    expect(grad(prod(x), x).toArray()).toEqual(expected);
  });

  test('a deviation survives a variance beyond float16', () => {
    const x: Tensor = tensor([300, -300, 300, -300], { dtype: 'float16' });
    expect(x.variance().item()).toBe(Number.POSITIVE_INFINITY);
    expect(std(x, 0, { correction: 0 }).item()).toBe(300);
  });
});
