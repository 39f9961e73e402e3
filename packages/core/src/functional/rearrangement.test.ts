import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  conv2d,
  diagonal,
  fold,
  matmul,
  movedim,
  mul,
  type NestedArray,
  pad,
  pixelShuffle,
  pixelUnshuffle,
  repeat,
  repeatInterleave,
  reshape,
  roll,
  setDefaultDevice,
  sum,
  type Tensor,
  TensorError,
  tensor,
  tile,
  tril,
  triu,
  unfold,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

/** 0, 1, 2, …: every element says where it came from. */
function counted(...shape: readonly number[]): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return tensor(
    Int32Array.from({ length: size }, (_, i) => i),
    { shape, dtype: 'int32' },
  );
}

/** Elements by their indices. */
function at(x: Tensor, ...indices: readonly number[]): NestedArray {
  return indices.reduce<NestedArray>((nested, i) => (nested as readonly NestedArray[])[i] as NestedArray, x.toArray());
}

const sizes = fc.integer({ min: 1, max: 4 });

describe('padding from inside', () => {
  const oneDim = fc.record({
    size: sizes,
    low: fc.integer({ min: -2, max: 5 }),
    high: fc.integer({ min: -2, max: 5 }),
  });
  const positions = {
    reflect: (i: number, n: number) => (i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i),
    replicate: (i: number, n: number) => Math.min(Math.max(i, 0), n - 1),
    circular: (i: number, n: number) => (i + n) % n,
  };
  const reach = { reflect: (n: number) => n - 1, replicate: () => 9, circular: (n: number) => n };

  test.each(['reflect', 'replicate', 'circular'] as const)('%s reads where it should, and crops', (mode) => {
    fc.assert(
      fc.property(oneDim, ({ size, low, high }) => {
        fc.pre(size + low + high >= 0 && Math.max(low, high) <= reach[mode](size));
        const expected = Array.from({ length: size + low + high }, (_, i) => positions[mode](i - low, size));
        expect(pad(counted(size), [low, high], { mode }).toArray()).toEqual(expected);
      }),
    );
  });

  test('refuses to mirror more than there is', () => {
    expect(() => pad(counted(1, 3), [3, 0], { mode: 'reflect' })).toThrow('reflect padding of dim 1 by 3 and 0');
  });

  test('pads several dimensions, the last one first', () => {
    const padded = pad(counted(2, 3), [1, 0, 0, 1], { mode: 'replicate' });
    expect(padded.toArray()).toEqual([
      [0, 0, 1, 2],
      [3, 3, 4, 5],
      [3, 3, 4, 5],
    ]);
  });
});

describe('repetition', () => {
  test('repeat puts the whole side by side, tile fills up counts, repeatInterleave doubles each position', () => {
    fc.assert(
      fc.property(sizes, sizes, sizes, sizes, (rows, columns, down, across) => {
        const x = counted(rows, columns);
        const repeated = repeat(x, [down, across]);
        const interleaved = repeatInterleave(x, across, 1);
        expect(repeated.shape).toEqual([rows * down, columns * across]);
        expect(tile(x, [across]).toArray()).toEqual(repeat(x, [1, across]).toArray());
        for (let i = 0; i < rows * down; i++) {
          for (let j = 0; j < columns * across; j++) {
            expect(at(repeated, i, j)).toBe((i % rows) * columns + (j % columns));
            if (i < rows) expect(at(interleaved, i, j)).toBe(i * columns + Math.floor(j / across));
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test('repeat adds leading dimensions', () => {
    expect(repeat(counted(2), [3, 1, 2]).shape).toEqual([3, 1, 4]);
  });
});

test('roll brings back at the start what leaves at the end', () => {
  fc.assert(
    fc.property(sizes, sizes, fc.integer({ min: -9, max: 9 }), fc.nat(1), (rows, columns, shift, dim) => {
      const rolled = roll(counted(rows, columns), shift, dim);
      const shifted = (i: number, n: number): number => (((i - shift) % n) + n) % n;
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          const [row, column] = dim === 0 ? [shifted(i, rows), j] : [i, shifted(j, columns)];
          expect(at(rolled, i, j)).toBe(row * columns + column);
        }
      }
    }),
  );
  expect(roll(counted(2, 2), 1).toArray()).toEqual([
    [3, 0],
    [1, 2],
  ]);
});

test('tril, triu and diagonal divide a matrix', () => {
  fc.assert(
    fc.property(sizes, sizes, fc.integer({ min: -5, max: 5 }), (rows, columns, offset) => {
      const x = counted(2, rows, columns);
      const [lower, upper] = [tril(x, offset), triu(x, offset)];
      const onDiagonal: NestedArray[][] = [[], []];
      for (let b = 0; b < 2; b++) {
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < columns; j++) {
            const value = (b * rows + i) * columns + j;
            expect(at(lower, b, i, j)).toBe(j - i <= offset ? value : 0);
            expect(at(upper, b, i, j)).toBe(j - i >= offset ? value : 0);
            if (j - i === offset) onDiagonal[b]?.push(value);
          }
        }
      }
      expect(diagonal(x, { offset, dim0: 1, dim1: 2 }).toArray()).toEqual(onDiagonal);
    }),
  );
});

test('movedim keeps the order of what does not move', () => {
  expect(movedim(counted(2, 3, 4, 5), 0, 2).shape).toEqual([3, 4, 2, 5]);
  expect(movedim(counted(2, 3, 4, 5), [0, 3], [-1, 0]).shape).toEqual([5, 3, 4, 2]);
  expect(() => movedim(counted(2, 3), [0, 0], [0, 1])).toThrow(TensorError);
});

test('pixelShuffle makes rows and columns of channels; pixelUnshuffle undoes it', () => {
  fc.assert(
    fc.property(sizes, sizes, sizes, fc.integer({ min: 1, max: 3 }), (channels, height, width, r) => {
      const x = counted(2, channels * r * r, height, width);
      const shuffled = pixelShuffle(x, r);
      const [c, i, j] = [channels - 1, height * r - 1, width * r - 1];
      const source = at(x, 1, c * r * r + (i % r) * r + (j % r), Math.floor(i / r), Math.floor(j / r));
      expect(at(shuffled, 1, c, i, j)).toBe(source);
      expect(pixelUnshuffle(shuffled, r).toArray()).toEqual(x.toArray());
    }),
    { numRuns: 30 },
  );
});

describe('windows', () => {
  const windows = fc.record({
    height: fc.integer({ min: 3, max: 6 }),
    width: fc.integer({ min: 3, max: 6 }),
    kernel: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    stride: fc.integer({ min: 1, max: 2 }),
    padding: fc.nat(1),
    dilation: fc.integer({ min: 1, max: 2 }),
  });

  test('unfold holds what a convolution multiplies', () => {
    fc.assert(
      fc.property(windows, ({ height, width, kernel, ...options }) => {
        const x = counted(2, 3, height, width).to('float64');
        const weight = counted(4, 3, ...kernel).to('float64');
        const columns = unfold(x, kernel, options);
        const expected = conv2d(x, weight, undefined, options);
        const product = matmul(reshape(weight, [4, -1]), columns);
        expect(reshape(product, expected.shape).toArray()).toEqual(expected.toArray());
      }),
      { numRuns: 30 },
    );
  });

  test('fold is the transpose of unfold: ⟨unfold x, y⟩ = ⟨x, fold y⟩', () => {
    fc.assert(
      fc.property(windows, ({ height, width, kernel, ...options }) => {
        const x = counted(1, 2, height, width).to('float64');
        const columns = unfold(x, kernel, options);
        const y = counted(...columns.shape).to('float64');
        const folded = fold(y, [height, width], kernel, options);
        expect(sum(mul(columns, y)).item()).toBe(sum(mul(x, folded)).item());
      }),
      { numRuns: 30 },
    );
  });

  test('that do not fit are refused', () => {
    expect(() => unfold(counted(1, 1, 2, 2), 3)).toThrow('no window fits 2 elements');
    expect(() => fold(counted(1, 4, 5), 3, 2)).toThrow('x should be [N, C·4, 4]');
  });
});
