import type { ConfusionMatrix } from './confusion-matrix.ts';

/**
 * Precision, recall and F1 of one class.
 *
 *   precision = TP / (TP + FP)      recall = TP / (TP + FN)      F1 = 2 TP / (2 TP + FP + FN)
 *
 * A score whose denominator is 0 is 0 (scikit-learn's `zero_division=0`).
 */
export interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export interface ClassScores extends Scores {
  /** How many examples truly are of this class. */
  readonly support: number;
}

/**
 * How the scores of classes become one number: `macro` is their plain mean, `weighted` their mean weighted by support,
 * `micro` the score of all decisions pooled, which equals the accuracy where each example has one class.
 */
export type Average = 'macro' | 'micro' | 'weighted';

/** The scores of every class, in the order of the matrix. */
export function classScores(matrix: ConfusionMatrix): readonly ClassScores[] {
  return matrix.map((row, i) => {
    const hits = row[i] as number;
    const support = row.reduce((a, b) => a + b, 0);
    const predicted = matrix.reduce((sum, other) => sum + (other[i] as number), 0);
    return { ...scoresOf({ hits, predicted, support }), support };
  });
}

/** All three scores averaged over the classes; macro F1 is the mean of the classes' F1, as in scikit-learn. */
export function averageScores(matrix: ConfusionMatrix, average: Average = 'macro'): Scores {
  const perClass = classScores(matrix);
  const total = perClass.reduce((sum, { support }) => sum + support, 0);
  if (average === 'micro') {
    const hits = matrix.reduce((sum, row, i) => sum + (row[i] as number), 0);
    return scoresOf({ hits, predicted: total, support: total });
  }
  const weightOf = ({ support }: ClassScores): number =>
    average === 'macro' ? 1 / perClass.length : ratio(support, total);
  const mean = (score: keyof Scores): number =>
    perClass.reduce((sum, scores) => sum + weightOf(scores) * scores[score], 0);
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}

/** How many of the examples given to a class belong to it, averaged over the classes. */
export function precision(matrix: ConfusionMatrix, average?: Average): number {
  return averageScores(matrix, average).precision;
}

/** How many of the examples of a class were found, averaged over the classes. */
export function recall(matrix: ConfusionMatrix, average?: Average): number {
  return averageScores(matrix, average).recall;
}

/** The harmonic mean of precision and recall of a class, averaged over the classes. */
export function f1(matrix: ConfusionMatrix, average?: Average): number {
  return averageScores(matrix, average).f1;
}

interface Decisions {
  /** True positives. */
  readonly hits: number;
  /** True and false positives. */
  readonly predicted: number;
  /** True positives and false negatives. */
  readonly support: number;
}

function scoresOf({ hits, predicted, support }: Decisions): Scores {
  return {
    precision: ratio(hits, predicted),
    recall: ratio(hits, support),
    f1: ratio(2 * hits, predicted + support),
  };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
