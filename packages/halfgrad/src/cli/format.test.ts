import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatChange, formatProbability, formatScale, formatShare, formatSigned } from './format.ts';

describe('numbers in reports', () => {
  test.each([
    [0, '0 bytes'],
    [1023, '1023 bytes'],
    [1024, '1.00 KiB'],
    [46_712, '45.6 KiB'],
    [4_330_000, '4.13 MiB'],
    [200 * 2 ** 30, '200 GiB'],
    [2 ** 50, '1048576 GiB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  test.each([
    [1, '1'],
    [512, '512'],
    [1024, '2^10'],
    [65_536, '2^16'],
    [2 ** -16, '2^-16'],
    [0.5, '2^-1'],
    [65_537, '65537'],
    [0.3, '0.3'],
    [0, '0'],
  ])('a loss scale of %d is %s', (scale, text) => expect(formatScale(scale)).toBe(text));

  test('powers of two can be read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -149, max: 127 }), (exponent) => {
        const text = formatScale(2 ** exponent);
        const [base, power] = text.split('^').map(Number);
        expect(power === undefined ? base : (base as number) ** power).toBe(2 ** exponent);
      }),
    );
  });

  test('signs stand before everything but nothing', () => {
    expect([1.234, -1.234, 0.001, -0.001].map((x) => formatSigned(x, 2))).toEqual(['+1.23', '-1.23', '0.00', '0.00']);
    expect(formatChange(124, 100)).toBe('+24 %');
    expect(formatChange(1, 0)).toBe('');
  });

  test('shares have two decimals and probabilities two digits', () => {
    expect(formatShare(0.84206)).toBe('84.21 %');
    expect([1, 0.625, 0.0432, 0.00099].map(formatProbability)).toEqual([
      'p = 1.0',
      'p = 0.63',
      'p = 0.043',
      'p < 0.001',
    ]);
  });
});
