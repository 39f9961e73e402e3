import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Float8DType } from './dtype.ts';
import { float8Codecs } from './float8.ts';
import { finfo } from './format.ts';

const dtypes: readonly Float8DType[] = ['float8_e4m3fn', 'float8_e5m2'];
const everyCode = Uint8Array.from({ length: 256 }, (_, code) => code);

describe.each(dtypes)('%s', (dtype) => {
  const { bitsOf, valueOf, encode, decode } = float8Codecs[dtype];
  const { max, smallestSubnormal } = finfo(dtype);
  const finite = Array.from(everyCode, valueOf).filter(Number.isFinite);

  test('gives every code back, NaN as NaN', () => {
    for (const code of everyCode) {
      const value = valueOf(code);
      if (Number.isNaN(value)) expect(valueOf(bitsOf(value))).toBeNaN();
      else expect(bitsOf(value)).toBe(code);
    }
    expect(decode(everyCode)).toEqual(Float32Array.from(everyCode, valueOf));
  });

  test('rounds to the nearest of its numbers, and to the even one of two', () => {
    const floats = fc.oneof(
      fc.float({ min: Math.fround(-max), max: Math.fround(max), noNaN: true }),
      fc.float({ min: Math.fround(-8 * smallestSubnormal), max: Math.fround(8 * smallestSubnormal), noNaN: true }),
      // Ties and their neighbours.
      fc.tuple(fc.nat(finite.length - 1), fc.constantFrom(-1, 0, 1)).map(([i, step]) => {
        const [low, high] = neighbours(finite[i] as number);
        return Math.fround(((low + high) / 2) * (1 + step * 2 ** -23));
      }),
    );
    fc.assert(
      fc.property(floats, (x) => {
        const rounded = valueOf(bitsOf(x));
        const distance = Math.abs(rounded - x);
        for (const [code, other] of Array.from(everyCode, (c) => [c, valueOf(c)] as const)) {
          if (!Number.isFinite(other) || Object.is(other, rounded)) continue;
          expect(Math.abs(other - x)).toBeGreaterThanOrEqual(distance);
          if (Math.abs(other - x) === distance && other !== rounded) expect(code % 2).toBe(1);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('keeps the sign of zero and of what is too small', () => {
    expect(bitsOf(-0)).toBe(0x80);
    expect(bitsOf(-smallestSubnormal / 2)).toBe(0x80);
    expect(bitsOf(smallestSubnormal / 2)).toBe(0);
    expect(valueOf(bitsOf(smallestSubnormal * 0.75))).toBe(smallestSubnormal);
  });

  test('saturates when told to, infinities too, and never makes a number of NaN', () => {
    for (const x of [max * 1.5, 1e30, Number.POSITIVE_INFINITY]) {
      expect(valueOf(bitsOf(x, { saturate: true }))).toBe(max);
      expect(valueOf(bitsOf(-x, { saturate: true }))).toBe(-max);
    }
    expect(valueOf(bitsOf(Number.NaN, { saturate: true }))).toBeNaN();
    const values = Float32Array.of(1, max * 2, -0.3);
    expect(encode(values, { saturate: true })).toEqual(Uint8Array.from(values, (x) => bitsOf(x, { saturate: true })));
    expect(encode(values)).toEqual(Uint8Array.from(values, (x) => bitsOf(x)));
  });

  function neighbours(x: number): [number, number] {
    const sorted = finite.toSorted((a, b) => a - b);
    const i = sorted.indexOf(x);
    return [sorted[i] as number, sorted[Math.min(i + 1, sorted.length - 1)] as number];
  }
});

test('from the tie above the largest number on, e4m3fn gives NaN and e5m2 infinity', () => {
  const [narrow, wide] = [float8Codecs.float8_e4m3fn, float8Codecs.float8_e5m2];
  expect([464, 464.001].map((x) => narrow.valueOf(narrow.bitsOf(x)))).toEqual([448, Number.NaN]);
  expect([61439, 61440].map((x) => wide.valueOf(wide.bitsOf(x)))).toEqual([57344, Number.POSITIVE_INFINITY]);
});
