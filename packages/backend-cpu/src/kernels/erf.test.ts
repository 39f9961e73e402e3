import fc from 'fast-check';
import { expect, test } from 'vitest';
import { erf, erfc } from './erf.ts';

/** 2/√π · Σ (−1)ⁿ x^(2n+1) / (n! (2n+1)), whose terms stay small enough below 2 to keep 15 digits. */
function erfSeries(x: number): number {
  let [power, sum] = [x, x];
  for (let n = 1; n < 60; n++) {
    power *= -(x * x) / n;
    sum += power / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** e^(−x²)/√π / (x + ½/(x + 1/(x + 3⁄2/(x + 2/(x + …))))), which converges fast from 2 on. */
function erfcFraction(x: number): number {
  let fraction = x;
  for (let k = 120; k > 0; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}

const digits = 1e-14;

test('erf is its power series near 0', () => {
  fc.assert(
    fc.property(fc.double({ min: -2, max: 2, noNaN: true }), (x) => {
      expect(Math.abs(erf(x) - erfSeries(x))).toBeLessThanOrEqual(digits * Math.abs(x));
    }),
  );
});

test('erfc is its continued fraction far from 0', () => {
  fc.assert(
    fc.property(fc.double({ min: 2, max: 26, noNaN: true }), (x) => {
      // e^(−x²) itself is uncertain by x² units in the last place.
      expect(Math.abs(erfc(x) / erfcFraction(x) - 1)).toBeLessThanOrEqual(digits + x * x * Number.EPSILON);
    }),
  );
});

test('the two add up to 1, and erf is odd', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true }), (x) => {
      expect(Math.abs(erf(x) + erfc(x) - 1)).toBeLessThanOrEqual(2 * Number.EPSILON);
      expect(erf(-x)).toBe(-erf(x));
    }),
  );
});

test.each([
  [0, 0],
  [-0, -0],
  [Number.POSITIVE_INFINITY, 1],
  [Number.NEGATIVE_INFINITY, -1],
  [Number.NaN, Number.NaN],
])('erf(%d) is %d', (x, y) => {
  expect(erf(x)).toBe(y);
});
