import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mcNemar } from './mcnemar.ts';
import { type PairedCounts, pairedCounts } from './paired-counts.ts';
import { pairedDifference } from './paired-difference.ts';

const outcomes = fc
  .array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 200 })
  .map((pairs) => ({ a: pairs.map(([a]) => a), b: pairs.map(([, b]) => b) }));

function outcomesOf({ both, onlyA, onlyB, neither }: PairedCounts): { a: boolean[]; b: boolean[] } {
  const repeat = (value: boolean, count: number): boolean[] => new Array<boolean>(count).fill(value);
  return {
    a: [...repeat(true, both), ...repeat(true, onlyA), ...repeat(false, onlyB), ...repeat(false, neither)],
    b: [...repeat(true, both), ...repeat(false, onlyA), ...repeat(true, onlyB), ...repeat(false, neither)],
  };
}

function table(both: number, onlyA: number, onlyB: number, neither: number): { a: boolean[]; b: boolean[] } {
  return outcomesOf({ both, onlyA, onlyB, neither });
}

test('paired counts undo the making of outcomes', () => {
  const counts = fc.record({
    both: fc.nat(9),
    onlyA: fc.nat(9),
    onlyB: fc.nat(9),
    neither: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(counts, (expected) => {
      const { a, b } = outcomesOf(expected);
      expect(pairedCounts('test', a, b)).toEqual(expected);
    }),
  );
});

describe('mcNemar', () => {
  /** Twice the lower tail of Binomial(b + c, ½) in integers. */
  function exactPValue(b: number, c: number): number {
    const n = b + c;
    let [choose, tail] = [1n, 0n];
    for (let i = 0; i <= Math.min(b, c); i++) {
      tail += choose;
      choose = (choose * BigInt(n - i)) / BigInt(i + 1);
    }
    // 80 bits after the binary point are more than a double holds of a p-value above 2^-20.
    return Math.min(1, Number(((2n * tail) << 80n) >> BigInt(n)) / 2 ** 80);
  }

  test('agrees with the binomial tail summed in integers', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), fc.nat(5), (b, c, concordant) => {
        const { a, b: other } = table(concordant, b, c, 1);
        const { pValue } = mcNemar(a, other);
        // The error of the first term's exponent: one rounding per logarithm, each at most 10 in magnitude.
        expect(Math.abs(pValue - exactPValue(b, c))).toBeLessThan(600 * 10 * Number.EPSILON * pValue + 2 ** -79);
      }),
    );
  });

  test("agrees with the textbook's sign test: 9 of 10 discordant pairs for one side", () => {
    const { a, b } = table(40, 9, 1, 50);
    expect(mcNemar(a, b)).toEqual({ onlyA: 9, onlyB: 1, pValue: expect.closeTo((2 * 11) / 1024, 15) });
  });

  test('is symmetric, and 1 for classifiers that never disagree', () => {
    fc.assert(
      fc.property(outcomes, ({ a, b }) => {
        expect(mcNemar(b, a).pValue).toBe(mcNemar(a, b).pValue);
        expect(mcNemar(a, a).pValue).toBe(1);
      }),
    );
  });

  test('has a p-value above 0 and at most 1', () => {
    fc.assert(
      fc.property(outcomes, ({ a, b }) => {
        expect(mcNemar(a, b).pValue).toBeGreaterThan(0);
        expect(mcNemar(a, b).pValue).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('stays finite for many discordant pairs', () => {
    const { a, b } = table(0, 6000, 4000, 0);
    expect(mcNemar(a, b).pValue).toBeGreaterThan(0);
    expect(mcNemar(a, b).pValue).toBeLessThan(1e-80);
  });
});

describe('pairedDifference', () => {
  // Newcombe (1998), table III, method 10: counts of both, only a, only b, neither; then the limits as shares.
  test.each([
    [36, 12, 2, 0, 0.0569, 0.3404],
    [20, 12, 2, 16, 0.0562, 0.3292],
    [18, 12, 2, 18, 0.0562, 0.329],
    [36, 14, 0, 0, 0.1528, 0.4167],
    [35, 14, 0, 1, 0.1461, 0.4175],
    [18, 14, 0, 18, 0.1441, 0.3963],
    [2, 97, 1, 0, 0.8721, 0.9854],
    [0, 29, 1, 0, 0.6666, 0.9882],
    [2, 98, 0, 0, 0.9178, 0.9945],
    [0, 30, 0, 0, 0.8395, 1],
    [54, 0, 0, 0, -0.0664, 0.0664],
    [53, 0, 0, 1, -0.0729, 0.0729],
    [30, 0, 0, 24, -0.0358, 0.0358],
    [27, 0, 0, 27, -0.0351, 0.0351],
  ])("agrees with Newcombe's table for %i, %i, %i, %i", (both, onlyA, onlyB, neither, lower, upper) => {
    const { a, b } = table(both, onlyA, onlyB, neither);
    const { interval } = pairedDifference(a, b);
    // Printed to four decimals.
    expect(Math.abs(interval[0] / 100 - lower)).toBeLessThanOrEqual(5e-5);
    expect(Math.abs(interval[1] / 100 - upper)).toBeLessThanOrEqual(5e-5);
  });

  test('is the difference of the accuracies, inside its interval, inside ±100', () => {
    fc.assert(
      fc.property(outcomes, ({ a, b }) => {
        const share = (list: readonly boolean[]) => (100 * list.filter(Boolean).length) / list.length;
        const { difference, interval } = pairedDifference(a, b);
        const slack = 100 * 8 * Number.EPSILON;
        expect(Math.abs(difference - (share(a) - share(b)))).toBeLessThanOrEqual(slack);
        expect(interval[0]).toBeLessThanOrEqual(difference);
        expect(interval[1]).toBeGreaterThanOrEqual(difference);
        expect(interval[0]).toBeGreaterThanOrEqual(-100 - slack);
        expect(interval[1]).toBeLessThanOrEqual(100 + slack);
      }),
    );
  });

  test('changes its sign when the classifiers change places', () => {
    fc.assert(
      fc.property(outcomes, ({ a, b }) => {
        const { difference, interval } = pairedDifference(a, b);
        const swapped = pairedDifference(b, a);
        expect(swapped.difference).toBe(0 - difference);
        expect(swapped.interval[0]).toBeCloseTo(-interval[1], 10);
        expect(swapped.interval[1]).toBeCloseTo(-interval[0], 10);
      }),
    );
  });

  test('does not depend on the order of the examples', () => {
    fc.assert(
      fc.property(outcomes, ({ a, b }) => {
        expect(pairedDifference(a.toReversed(), b.toReversed())).toEqual(pairedDifference(a, b));
      }),
    );
  });

  test('keeps a width when the classifiers never disagree, which shrinks with the number of examples', () => {
    const widths = [10, 100, 1000].map((n) => {
      const all = new Array<boolean>(n).fill(true);
      const [lower, upper] = pairedDifference(all, all).interval;
      return upper - lower;
    });
    expect(widths[2]).toBeGreaterThan(0);
    expect(widths).toEqual(widths.toSorted((x, y) => y - x));
  });

  test.each([
    [[true], [true, false], 'pairedDifference: the lists differ in length (first list: 1, second list: 2)'],
    [[], [], 'pairedDifference: there are no examples to compare'],
  ])('refuses %j and %j', (a, b, message) => {
    expect(() => pairedDifference(a, b)).toThrow(message);
  });
});
