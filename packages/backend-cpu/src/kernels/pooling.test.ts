import { dispatch, finfo, fromHost, type PoolWindow, sizeOf, stridesOf, type Tensor } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { expect, test } from 'vitest';
import { cpu } from '../index.ts';

const load = (values: Float32Array, shape: readonly number[]): Tensor =>
  fromHost(values, shape, { dtype: 'float32', device: cpu });

/** A window that is not empty, somewhere in a dimension of `size`. */
const window = (size: number): Arbitrary<PoolWindow> =>
  fc
    .record({
      start: fc.nat({ max: size - 1 }),
      length: fc.integer({ min: 1, max: size }),
      step: fc.integer({ min: 1, max: 2 }),
      count: fc.integer({ min: 1, max: 5 }),
    })
    .map(({ start, length, step, count }) => ({ start, end: Math.min(start + length, size), step, count }));

interface PoolSample {
  readonly planes: number;
  readonly size: readonly number[];
  readonly windows: readonly (readonly PoolWindow[])[];
  readonly x: Float32Array;
}

const samples: Arbitrary<PoolSample> = fc
  .record({
    planes: fc.nat({ max: 2 }),
    size: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
  })
  .chain(({ planes, size }) => {
    const length = planes * sizeOf(size);
    return fc.record({
      planes: fc.constant(planes),
      size: fc.constant(size),
      windows: fc.tuple(...size.map((n) => fc.array(window(n), { minLength: 1, maxLength: 3 }))),
      // Few different values, so that maxima tie.
      x: fc
        .array(fc.constantFrom(-1, 0, 0.1, 1, Number.NaN), { minLength: length, maxLength: length })
        .map((values) => Float32Array.from(values)),
    });
  });

const indexOf = (flat: number, shape: readonly number[]): number[] =>
  stridesOf(shape).map((stride, dim) => Math.floor(flat / stride) % shape[dim]!);

/** The windows of every output position, one per dimension. */
function positionsOf({ windows }: PoolSample): PoolWindow[][] {
  const shape = windows.map((dim) => dim.length);
  return Array.from({ length: sizeOf(shape) }, (_, flat) => indexOf(flat, shape).map((i, dim) => windows[dim]![i]!));
}

/** The offsets within a plane that lie in a window of every dimension, in order. */
function covered({ size }: PoolSample, position: readonly PoolWindow[]): number[] {
  return Array.from({ length: sizeOf(size) }, (_, flat) => flat).filter((flat) =>
    indexOf(flat, size).every((i, dim) => {
      const { start, end, step } = position[dim]!;
      return i >= start && i < end && (i - start) % step === 0;
    }),
  );
}

const outShape = ({ planes, windows }: PoolSample): number[] => [planes, ...windows.map((dim) => dim.length)];

test('a maximum is the first of the largest elements of its window, and NaN is larger than all', () => {
  fc.assert(
    fc.property(samples, (sample) => {
      const { planes, size, windows, x } = sample;
      const { out, indices } = dispatch('maxPool', { x: load(x, [planes, ...size]) }, { windows });
      expect(out.shape).toEqual(outShape(sample));
      const expected = Array.from({ length: planes }, (_, plane) =>
        positionsOf(sample).map((position) => {
          const offsets = covered(sample, position);
          const elements = offsets.map((offset) => x[plane * sizeOf(size) + offset]!);
          const winner = elements.findIndex(Number.isNaN);
          const best = winner >= 0 ? winner : elements.indexOf(Math.max(...elements));
          return { index: offsets[best], value: elements[best] };
        }),
      ).flat();
      expect([...indices.dataSync()]).toEqual(expected.map(({ index }) => index));
      expect([...out.dataSync()]).toEqual(expected.map(({ value }) => value));
    }),
  );
});

test('an average is the sum of its window over the product of the counts', () => {
  fc.assert(
    fc.property(samples, (sample) => {
      const { planes, size, windows } = sample;
      const x = sample.x.map((v) => (Number.isNaN(v) ? 1 : v));
      const out = dispatch('avgPool', { x: load(x, [planes, ...size]) }, { windows });
      expect(out.shape).toEqual(outShape(sample));
      const actual = out.dataSync();
      const positions = positionsOf(sample);
      for (let i = 0; i < planes * positions.length; i++) {
        const position = positions[i % positions.length]!;
        const base = Math.floor(i / positions.length) * sizeOf(size);
        const elements = covered(sample, position).map((offset) => x[base + offset]!);
        const divisor = position.reduce((product, { count }) => product * count, 1);
        const sum = elements.reduce((total, v) => total + v, 0);
        const magnitude = elements.reduce((total, v) => total + Math.abs(v), 0);
        const bound = (elements.length * finfo('float32').eps * magnitude) / divisor;
        expect(Math.abs(actual[i]! - sum / divisor)).toBeLessThanOrEqual(bound + finfo('float32').smallestSubnormal);
      }
    }),
  );
});

test('the gradient of an average gives each element the shares of the windows that cover it', () => {
  const windows = [
    [
      { start: 0, end: 2, step: 1, count: 2 },
      { start: 1, end: 3, step: 1, count: 4 },
    ],
  ];
  const grad = dispatch('avgPoolGrad', { gradOut: load(Float32Array.of(2, 4), [1, 2]) }, { windows, size: [3] });
  expect([...grad.dataSync()]).toEqual([1, 2, 1]);
});
