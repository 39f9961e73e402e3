import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  embedding,
  embeddingBag,
  grad,
  index,
  indexCopy,
  oneHot,
  ones,
  scatter,
  scatterAdd,
  setDefaultDevice,
  sum,
  type Tensor,
  tensor,
  zeros,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

const int = (values: number | number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });

describe('index', () => {
  test('picks one element per tuple of indices, negative ones from the back', () => {
    const places = fc.record({
      shape: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
      picks: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.boolean()), { minLength: 1, maxLength: 5 }),
    });
    fc.assert(
      fc.property(places, ({ shape: [rows, columns], picks }) => {
        const values = Float64Array.from({ length: rows * columns * 2 }, (_, i) => i);
        const x = tensor(values, { shape: [rows, columns, 2], dtype: 'float64' });
        const i = picks.map(([row, , back]) => (row % rows) - (back ? rows : 0));
        const j = picks.map(([, column]) => column % columns);
        const expected = picks.map(([row, column]) => {
          const start = ((row % rows) * columns + (column % columns)) * 2;
          return [start, start + 1];
        });
        expect(index(x, int(i), int(j)).toArray()).toEqual(expected);
      }),
    );
  });

  test('broadcasts its indices, and passes gradients to what it picked', () => {
    const x = ones([3, 3]).requireGrad();
    const picked = index(x, int([[0], [2]]), int([0, 0, 1]));
    expect(picked.shape).toEqual([2, 3]);
    expect(grad(sum(picked), x).toArray()).toEqual([
      [2, 1, 0],
      [0, 0, 0],
      [2, 1, 0],
    ]);
  });

  test.each([
    [3, 0],
    [-4, 0],
    [0, 2],
    [1, -3],
  ])('refuses [%i, %i] in [3, 2], though it is a place in the whole', (i, j) => {
    expect(() => index(ones([3, 2]), int([i]), int([j]))).toThrow('out of range');
  });
});

describe('writing', () => {
  test('where several are written to one place, the last one stays and gets the gradient', () => {
    const x = zeros([3]).requireGrad();
    const source = tensor([1, 2, 3]).requireGrad();
    const out = scatter(x, 0, int([1, 1, 0]), source);
    expect(out.toArray()).toEqual([3, 2, 0]);
    expect(grad(sum(out), [x, source]).map((gradient) => gradient.toArray())).toEqual([
      [0, 0, 1],
      [0, 1, 1],
    ]);
  });

  test('takes a number, or the part of a longer source that the index names', () => {
    expect(scatter(zeros([2, 2]), 1, int([[1], [0]]), 7).toArray()).toEqual([
      [0, 7],
      [7, 0],
    ]);
    const source = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(scatter(zeros([2, 2]), 0, int([[1, 0]]), source).toArray()).toEqual([
      [0, 2],
      [1, 0],
    ]);
  });

  test('indexCopy replaces whole slices', () => {
    const source = tensor([
      [1, 2],
      [3, 4],
    ]);
    expect(indexCopy(zeros([3, 2]), 0, int([2, 0]), source).toArray()).toEqual([
      [3, 4],
      [0, 0],
      [1, 2],
    ]);
  });

  test('scatterAdd adds up, also where the index is smaller than x', () => {
    const x = ones([2, 3]);
    expect(scatterAdd(x, 1, int([[0, 0]]), tensor([[5, 6]])).toArray()).toEqual([
      [12, 1, 1],
      [1, 1, 1],
    ]);
    expect(() => scatterAdd(x, 1, int([[0], [0], [0]]), ones([3, 1]))).toThrow('index does not fit x');
  });
});

describe('embedding', () => {
  const table = (): Tensor =>
    tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]).requireGrad();

  test('gives no gradient to the row of the padding', () => {
    const weight = table();
    const rows = embedding(int([1, 0, 1]), weight, { paddingIdx: 1 });
    expect(rows.toArray()).toEqual([
      [3, 4],
      [1, 2],
      [3, 4],
    ]);
    expect(grad(sum(rows), weight).toArray()).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
  });

  test('of bags gives their mean, sum or maximum', () => {
    const bags = int([
      [0, 2],
      [1, 1],
    ]);
    expect(embeddingBag(bags, table()).toArray()).toEqual([
      [3, 4],
      [3, 4],
    ]);
    expect(embeddingBag(bags, table(), { mode: 'sum' }).toArray()).toEqual([
      [6, 8],
      [6, 8],
    ]);
    expect(embeddingBag(bags, table(), { mode: 'max' }).toArray()).toEqual([
      [5, 6],
      [3, 4],
    ]);
  });
});

test('oneHot marks the class in a new last dimension', () => {
  expect(oneHot(int([2, 0]), 3).toArray()).toEqual([
    [0, 0, 1],
    [1, 0, 0],
  ]);
});
