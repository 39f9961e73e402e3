import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { interpolate, ones, setDefaultDevice, type Tensor, TensorError, tensor } from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

/** A signal of one channel. */
function signal(values: readonly number[]): Tensor {
  return tensor([[values as number[]]], { dtype: 'float64' });
}

function elements(x: Tensor): number[] {
  return Array.from(x.dataSync());
}

const values = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 6 });

describe('interpolate', () => {
  test('changes nothing at the same size, in any mode', () => {
    fc.assert(
      fc.property(
        values,
        fc.constantFrom('nearest' as const, 'nearest-exact' as const, 'linear' as const),
        (list, mode) => {
          expect(elements(interpolate(signal(list), { size: list.length, mode }))).toEqual(list);
        },
      ),
    );
  });

  test('nearest repeats elements', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 4 }), (list, scaleFactor) => {
        const repeated = list.flatMap((x) => new Array<number>(scaleFactor).fill(x));
        expect(elements(interpolate(signal(list), { scaleFactor }))).toEqual(repeated);
      }),
    );
  });

  test('linear with aligned corners reproduces straight lines', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 9 }), (from, to) => {
        const line = signal(Array.from({ length: from }, (_, i) => i / (from - 1)));
        const resampled = elements(interpolate(line, { size: to, mode: 'linear', alignCorners: true }));
        resampled.forEach((x, i) => {
          expect(Math.abs(x - i / (to - 1))).toBeLessThanOrEqual(4 * Number.EPSILON);
        });
      }),
    );
  });

  test('linear without has the edges in common, beyond whose centres it is constant', () => {
    expect(elements(interpolate(signal([0, 4]), { size: 4, mode: 'linear' }))).toEqual([0, 1, 3, 4]);
  });

  test('treats axes one after the other, with a size or a factor each', () => {
    const x = tensor([[[[0, 2]]]]);
    expect(interpolate(x, { size: [2, 4], mode: 'bilinear' }).toArray()).toEqual([
      [
        [
          [0, 0.5, 1.5, 2],
          [0, 0.5, 1.5, 2],
        ],
      ],
    ]);
    expect(interpolate(ones([1, 1, 2, 2, 2]), { scaleFactor: [1, 2, 1.5], mode: 'trilinear' }).shape).toEqual([
      1, 1, 2, 4, 3,
    ]);
  });

  test('keeps infinities that it only copies', () => {
    expect(elements(interpolate(signal([Number.POSITIVE_INFINITY, 1]), { scaleFactor: 2 }))).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
      1,
      1,
    ]);
  });

  test.each([
    ['both a size and a factor', { size: 2, scaleFactor: 2 }],
    ['neither', {}],
    ['a mode of another rank', { size: 2, mode: 'bilinear' }],
    ['a size of 0', { size: 0 }],
    ['a size that is no number', { size: Number.NaN }],
  ] as const)('refuses %s', (_, options) => {
    expect(() => interpolate(signal([1, 2]), options)).toThrow(TensorError);
  });
});
