import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { examplesNeeded, type Judgement, judge } from './judge.ts';
import { exactly, pairedDifference } from './paired-difference.ts';

const accuracyBar = { pass: -1, fail: -3 };
const finite = fc.double({ min: -100, max: 100, noNaN: true });
const estimates = fc
  .tuple(finite, finite, finite)
  .map((xs) => xs.toSorted((a, b) => a - b))
  .map(([lower, difference, upper]) => ({ difference, interval: [lower, upper] }) as ReturnType<typeof exactly>);
const bars = fc.tuple(finite, finite).map(([a, b]) => ({ pass: Math.max(a, b), fail: Math.min(a, b) }));

describe('judge', () => {
  test.each([
    ['pass', 0.1, [-0.9, 1.1]],
    ['pass', 0, [-1, 1]],
    ['inconclusive', -0.7, [-2.8, 1.4]],
    ['inconclusive', -2, [-2.5, -1.5]],
    ['inconclusive', -4, [-6, -2]],
    ['inconclusive', -4, [-5, -3]],
    ['fail', -4, [-4.9, -3.1]],
  ] as const)('says %s to a difference of %d points with the interval %j', (judgement, difference, interval) => {
    expect(judge({ difference, interval }, accuracyBar)).toBe(judgement);
  });

  test('judges an exact quantity by itself', () => {
    const bar = { pass: 30, fail: 30 };
    expect([31, 30, 29.9].map((saved) => judge(exactly(saved), bar))).toEqual(['pass', 'pass', 'fail']);
  });

  test('never improves when a difference gets worse', () => {
    const rank: Record<Judgement, number> = { fail: 0, inconclusive: 1, pass: 2 };
    fc.assert(
      fc.property(estimates, bars, fc.double({ min: 0, max: 50, noNaN: true }), (estimate, bar, loss) => {
        const { difference, interval } = estimate;
        const worse = { difference: difference - loss, interval: [interval[0] - loss, interval[1] - loss] } as const;
        expect(rank[judge(worse, bar)]).toBeLessThanOrEqual(rank[judge(estimate, bar)]);
      }),
    );
  });

  test('is never turned round by a wider interval, only undecided', () => {
    fc.assert(
      fc.property(estimates, bars, fc.double({ min: 0, max: 50, noNaN: true }), (estimate, bar, extra) => {
        const { difference, interval } = estimate;
        const wider = { difference, interval: [interval[0] - extra, interval[1] + extra] } as const;
        expect([judge(estimate, bar), 'inconclusive']).toContain(judge(wider, bar));
      }),
    );
  });

  test('calls what is not a number inconclusive', () => {
    expect(judge(exactly(Number.NaN), accuracyBar)).toBe('inconclusive');
  });

  test('refuses a bar that would both pass and fail a gain', () => {
    expect(() => judge(exactly(0), { pass: -3, fail: -1 })).toThrow(
      'judge: a gain would both pass and fail (pass: -3, fail: -1). fail must not exceed pass.',
    );
  });
});

describe('examplesNeeded', () => {
  test('is about the number with which the same outcomes, repeated, are settled', () => {
    const [a, b] = [new Array<boolean>(100).fill(true), new Array<boolean>(100).fill(true)];
    a.fill(false, 0, 20);
    b.fill(false, 1, 21);
    const estimate = pairedDifference(a, b);
    expect(judge(estimate, accuracyBar)).toBe('inconclusive');

    const needed = examplesNeeded(estimate, 100, accuracyBar) as number;
    const judgementAt = (examples: number): Judgement => {
      const repeat = (list: readonly boolean[]) => Array.from({ length: examples }, (_, i) => list[i % 100] as boolean);
      return judge(pairedDifference(repeat(a), repeat(b)), accuracyBar);
    };
    expect(judgementAt(Math.ceil(needed / 400) * 100)).toBe('inconclusive');
    expect(judgementAt(Math.ceil(needed / 50) * 100)).toBe('pass');
  });

  test('does not exceed the examples at hand where the judgement is settled', () => {
    fc.assert(
      fc.property(estimates, bars, (estimate, bar) => {
        fc.pre(judge(estimate, bar) !== 'inconclusive' && estimate.difference !== bar.pass);
        expect(examplesNeeded(estimate, 1000, bar)).toBeLessThanOrEqual(1000);
      }),
    );
  });

  test('is undefined in the undecided zone', () => {
    expect(examplesNeeded({ difference: -2, interval: [-5, 1] }, 1000, accuracyBar)).toBeUndefined();
  });
});
