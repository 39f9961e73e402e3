import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accuracy, type ConfusionMatrix, confusionMatrix } from './confusion-matrix.ts';
import { type Average, averageScores, classScores, f1, precision, recall } from './scores.ts';

const averages: readonly Average[] = ['macro', 'micro', 'weighted'];
const matrices = fc
  .integer({ min: 1, max: 5 })
  .chain((n) => fc.array(fc.array(fc.nat(9), { minLength: n, maxLength: n }), { minLength: n, maxLength: n }));

/** Sums of up to 5 products of shares, each rounded. */
const roundingOf = (x: number) => [x - 16 * Number.EPSILON, x + 16 * Number.EPSILON] as const;

describe('scores of one class', () => {
  test('are those of a worked example: 3 hits, 1 false alarm, 2 misses', () => {
    const matrix = [
      [3, 2],
      [1, 4],
    ];
    expect(classScores(matrix)[0]).toEqual({ precision: 3 / 4, recall: 3 / 5, f1: 2 / 3, support: 5 });
  });

  test('are 0 where a class is never predicted or never occurs', () => {
    const [neverPredicted, always, neverThere] = classScores([
      [0, 2, 0],
      [0, 5, 0],
      [0, 0, 0],
    ]);
    expect(neverPredicted).toEqual({ precision: 0, recall: 0, f1: 0, support: 2 });
    expect(always).toEqual({ precision: 5 / 7, recall: 1, f1: 10 / 12, support: 5 });
    expect(neverThere).toEqual({ precision: 0, recall: 0, f1: 0, support: 0 });
  });

  test('have an F1 between precision and recall', () => {
    fc.assert(
      fc.property(matrices, (matrix) => {
        for (const scores of classScores(matrix)) {
          expect(scores.f1).toBeGreaterThanOrEqual(roundingOf(Math.min(scores.precision, scores.recall))[0]);
          expect(scores.f1).toBeLessThanOrEqual(roundingOf(Math.max(scores.precision, scores.recall))[1]);
        }
      }),
    );
  });

  test('exchange precision and recall when the matrix is transposed', () => {
    fc.assert(
      fc.property(matrices, (matrix) => {
        const transposed = matrix.map((_, i) => matrix.map((row) => row[i] as number));
        const exchanged = classScores(transposed).map(({ precision: p, recall: r, f1: f }) => [r, p, f]);
        expect(exchanged).toEqual(classScores(matrix).map(({ precision: p, recall: r, f1: f }) => [p, r, f]));
      }),
    );
  });
});

describe('averages', () => {
  // The example of scikit-learn's documentation of precision_score, recall_score and f1_score.
  const example = confusionMatrix([0, 2, 1, 0, 0, 1], [0, 1, 2, 0, 1, 2], 3);

  test.each([
    ['macro', 2 / 9, 1 / 3, 4 / 15],
    ['micro', 1 / 3, 1 / 3, 1 / 3],
    ['weighted', 2 / 9, 1 / 3, 4 / 15],
  ] as const)("%s agrees with scikit-learn's example", (average, p, r, f) => {
    expect(precision(example, average)).toBeCloseTo(p, 15);
    expect(recall(example, average)).toBeCloseTo(r, 15);
    expect(f1(example, average)).toBeCloseTo(f, 15);
  });

  test('are macro unless asked otherwise', () => {
    const uneven = [
      [9, 1],
      [3, 2],
    ];
    expect(recall(uneven)).toBe((9 / 10 + 2 / 5) / 2);
  });

  test('lie between 0 and 1', () => {
    fc.assert(
      fc.property(matrices, fc.constantFrom(...averages), (matrix, average) => {
        for (const score of Object.values(averageScores(matrix, average))) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(roundingOf(1)[1]);
        }
      }),
    );
  });

  test('are all the accuracy for micro, and so is the weighted recall', () => {
    fc.assert(
      fc.property(matrices, (matrix) => {
        const share = accuracy(matrix);
        expect(averageScores(matrix, 'micro')).toEqual({ precision: share, recall: share, f1: share });
        expect(recall(matrix, 'weighted')).toBeCloseTo(share, 14);
      }),
    );
  });

  test('do not depend on the order of the classes', () => {
    const renamed = matrices.chain((matrix) =>
      fc.tuple(
        fc.constant(matrix),
        fc.shuffledSubarray([...matrix.keys()], { minLength: matrix.length }),
        fc.constantFrom(...averages),
      ),
    );
    fc.assert(
      fc.property(renamed, ([matrix, order, average]) => {
        const shuffled: ConfusionMatrix = order.map((i) => order.map((j) => matrix[i]?.[j] as number));
        const [a, b] = [averageScores(matrix, average), averageScores(shuffled, average)];
        for (const score of ['precision', 'recall', 'f1'] as const) expect(b[score]).toBeCloseTo(a[score], 14);
      }),
    );
  });
});
