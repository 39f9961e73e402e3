import { type Outcomes, pairedCounts } from './paired-counts.ts';

/** An estimated difference and the interval that its uncertainty leaves, in the same unit. */
export interface Estimate {
  readonly difference: number;
  readonly interval: readonly [lower: number, upper: number];
}

/** The 97.5 % quantile of the standard normal distribution: 95 % lie between it and its negative. */
const z = 1.959963984540054;

/**
 * By how many percentage points one classifier is more accurate than another on the same examples, with a 95 % interval.
 *
 * Wilson's score intervals of both accuracies, combined with their correlation φ (Newcombe's method 10):
 *
 *   lower = d − √((p₁ − l₁)² − 2φ (p₁ − l₁)(u₂ − p₂) + (u₂ − p₂)²)
 *   upper = d + √((u₁ − p₁)² − 2φ (u₁ − p₁)(p₂ − l₂) + (p₂ − l₂)²)
 *
 * Unlike Wald's interval it keeps a width when the classifiers never disagree, and never leaves ±100.
 *
 * @see Newcombe (1998), Statistics in Medicine 17, 2635–2650. https://doi.org/10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C
 */
export function pairedDifference(candidate: Outcomes, baseline: Outcomes): Estimate {
  const { both, onlyA, onlyB, neither } = pairedCounts('pairedDifference', candidate, baseline);
  const n = both + onlyA + onlyB + neither;
  const first = wilsonInterval(both + onlyA, n);
  const second = wilsonInterval(both + onlyB, n);
  const phi = correlation(both, onlyA, onlyB, neither);
  const difference = (onlyA - onlyB) / n;
  return {
    difference: 100 * difference,
    interval: [
      100 * (difference - combine(first.below, second.above, phi)),
      100 * (difference + combine(first.above, second.below, phi)),
    ],
  };
}

/** A quantity known exactly, such as a number of bytes. */
export function exactly(difference: number): Estimate {
  return { difference, interval: [difference, difference] };
}

/** How far Wilson's score interval reaches below and above the share `successes / n`. */
function wilsonInterval(successes: number, n: number): { readonly below: number; readonly above: number } {
  const share = successes / n;
  const centre = (successes + z ** 2 / 2) / (n + z ** 2);
  const reach = (z * Math.sqrt(n * share * (1 - share) + z ** 2 / 4)) / (n + z ** 2);
  // Rounding may put a limit of 0 or 1 on the wrong side of the share.
  return { below: Math.max(share - (centre - reach), 0), above: Math.max(centre + reach - share, 0) };
}

/** The correlation of two binary outcomes, with Newcombe's correction for continuity where it is positive. */
function correlation(both: number, onlyA: number, onlyB: number, neither: number): number {
  const n = both + onlyA + onlyB + neither;
  const margins = (both + onlyA) * (onlyB + neither) * (both + onlyB) * (onlyA + neither);
  if (margins === 0) return 0;
  const determinant = both * neither - onlyA * onlyB;
  const corrected = determinant > 0 ? Math.max(determinant - n / 2, 0) : determinant;
  return corrected / Math.sqrt(margins);
}

function combine(a: number, b: number, phi: number): number {
  return Math.sqrt(Math.max(a ** 2 - 2 * phi * a * b + b ** 2, 0));
}
