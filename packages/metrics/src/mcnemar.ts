import { type Outcomes, pairedCounts } from './paired-counts.ts';

export interface McNemarResult {
  /** Examples that only the first, or only the second, classified correctly: all that the test looks at. */
  readonly onlyA: number;
  readonly onlyB: number;
  /** The probability of a split at least this uneven, were both equally good. */
  readonly pValue: number;
}

/**
 * The exact McNemar test of whether two classifiers are equally accurate, from their results on the same examples.
 *
 *   p = min(1, 2 P(X ≤ min(b, c))),   X ~ Binomial(b + c, ½)
 *
 * Exact for any number of discordant pairs, so no rule says when an approximation begins. Two-sided; 1 if the
 * classifiers never disagree.
 *
 * @see McNemar (1947), Psychometrika 12, 153–157; as a sign test: Dietterich (1998), Neural Computation 10, 1895–1923.
 */
export function mcNemar(correctA: Outcomes, correctB: Outcomes): McNemarResult {
  const { onlyA, onlyB } = pairedCounts('mcNemar', correctA, correctB);
  const fewer = Math.min(onlyA, onlyB);
  return { onlyA, onlyB, pValue: Math.min(1, 2 * binomialTail(onlyA + onlyB, fewer)) };
}

/**
 * P(X ≤ k) for X ~ Binomial(n, ½): the largest term by logarithms, the others from it by
 *
 *   P(X = i − 1) = P(X = i) · i / (n − i + 1)
 */
function binomialTail(n: number, k: number): number {
  let logTerm = -n * Math.LN2;
  for (let i = 1; i <= k; i++) logTerm += Math.log((n - i + 1) / i);
  let term = Math.exp(logTerm);
  let tail = 0;
  for (let i = k; i >= 0; i--) {
    tail += term;
    term *= i / (n - i + 1);
  }
  return tail;
}
