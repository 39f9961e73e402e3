import { cast, type DType, finfo, fromHost, type HalfDType, type HostData, type Tensor } from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpu } from '../index.ts';

const halves: readonly HalfDType[] = ['float16', 'bfloat16'];

/** A tensor of raw elements. */
function load(data: HostData, dtype: DType): Tensor {
  return fromHost(data, [data.length], { dtype, device: cpu });
}

describe.each(halves)('rounding to %s', (dtype) => {
  const round = (x: number): number => cast(load(Float64Array.of(x), 'float64'), dtype).item();

  test('leaves what is rounded alone', () => {
    fc.assert(
      fc.property(fc.double(), (x) => {
        expect(round(round(x))).toBe(round(x));
      }),
    );
  });

  test('keeps the order of numbers', () => {
    const { max } = finfo(dtype);
    const near = fc.double({ min: -2 * max, max: 2 * max, noNaN: true });
    fc.assert(
      fc.property(near, near, (x, y) => {
        const [low, high] = x < y ? [x, y] : [y, x];
        expect(round(low)).toBeLessThanOrEqual(round(high));
      }),
    );
  });

  test('moves a number by at most half the distance to its neighbour', () => {
    const { max, eps, smallestNormal } = finfo(dtype);
    fc.assert(
      fc.property(fc.float({ min: Math.fround(-max), max: Math.fround(max), noNaN: true }), (x) => {
        expect(Math.abs(round(x) - x)).toBeLessThanOrEqual((Math.max(Math.abs(x), smallestNormal) * eps) / 2);
      }),
    );
  });
});

describe('casting to integers', () => {
  const toInteger = (x: number, dtype: 'int32' | 'uint8'): number =>
    cast(load(Float64Array.of(x), 'float64'), dtype).item();

  test('truncates toward zero, then modulo 2^32 or 2^8, as JavaScript does', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(toInteger(x, 'int32')).toBe(x | 0);
        expect(toInteger(x, 'uint8')).toBe(x & 0xff);
      }),
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('makes %d a zero', (x) => {
    expect([toInteger(x, 'int32'), toInteger(x, 'uint8')]).toEqual([0, 0]);
  });

  test('makes everything but zero true, NaN too', () => {
    const x = load(Float32Array.of(0, -0, 0.25, Number.NaN, -3), 'float32');
    expect(cast(x, 'bool').toArray()).toEqual([false, false, true, true, true]);
  });
});
