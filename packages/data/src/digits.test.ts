import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digitPixels, parseDigits, syntheticDigits } from './digits.ts';

test('reads back what the format says', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(1000), (count, seed) => {
      const { images, labels } = syntheticDigits({ count, seed });
      const lines = Array.from(labels, (label, i) =>
        [...images.subarray(i * digitPixels, (i + 1) * digitPixels), label].join(','),
      );
      expect(parseDigits(lines.join('\n'))).toEqual({ images, labels });
    }),
    { numRuns: 30 },
  );
});

test.each([
  ['', /the file is empty/],
  ['1,2,3', /line 1 is not 64 integers/],
  [`${Array(64).fill(17).join(',')},1`, /line 1 is not 64 integers/],
  [`${Array(64).fill(0).join(',')},10`, /class from 0 to 9/],
])('refuses %s', (text, message) => {
  expect(() => parseDigits(text, { name: 'some.csv' })).toThrow(message);
});

test('draws the same bytes for the same seed, and others for another', () => {
  const [a, b, c] = [1, 1, 2].map((seed) => syntheticDigits({ count: 40, seed }).images);
  expect(a).toEqual(b);
  expect(a).not.toEqual(c);
});
