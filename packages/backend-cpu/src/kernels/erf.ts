/**
 * The error function and its complement to about 1 part in 10^16, by rational approximations on three intervals:
 *
 *   |x| ≤ 0.46875:      erf(x)  = x · R(x²)
 *   0.46875 < x ≤ 4:    erfc(x) = e^(−x²) · R(x)
 *   x > 4:              erfc(x) = e^(−x²) / x · (1/√π + R(1/x²) / x²)
 *
 * @see W. J. Cody (1969), "Rational Chebyshev approximations for the error function", Mathematics of Computation 23.
 */
const smallBound = 0.46875;
const middleBound = 4;
/** e^(−28²) is less than half of the smallest double. */
const vanishingBound = 28;

/** 2/√π · ∫₀ˣ e^(−t²) dt */
export function erf(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude <= smallBound) return erfSmall(x);
  const value = 1 - erfcTail(magnitude);
  return x < 0 ? -value : value;
}

/** 1 − erf(x), without cancellation for large `x`. */
export function erfc(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude <= smallBound) return 1 - erfSmall(x);
  const tail = erfcTail(magnitude);
  return x < 0 ? 2 - tail : tail;
}

function erfSmall(x: number): number {
  const square = x * x;
  return (x * polynomial(smallNumerator, square)) / polynomial(smallDenominator, square);
}

/** erfc(x) for x > 0.46875. */
function erfcTail(x: number): number {
  if (x > vanishingBound) return 0;
  if (x <= middleBound) {
    return (expOfMinusSquare(x) * polynomial(middleNumerator, x)) / polynomial(middleDenominator, x);
  }
  const inverse = 1 / (x * x);
  const correction = (inverse * polynomial(largeNumerator, inverse)) / polynomial(largeDenominator, inverse);
  return (expOfMinusSquare(x) * (1 / Math.sqrt(Math.PI) - correction)) / x;
}

/** e^(−x²), with x split into a multiple of 1/16, whose square is exact, and a rest. */
function expOfMinusSquare(x: number): number {
  const coarse = Math.trunc(x * 16) / 16;
  return Math.exp(-coarse * coarse) * Math.exp(-(x - coarse) * (x + coarse));
}

/** Horner's scheme, coefficients from the highest power down. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (const coefficient of coefficients) value = value * x + coefficient;
  return value;
}

const smallNumerator = [
  0.18577770618460315, 3.1611237438705655, 113.86415415105016, 377.485237685302, 3209.3775891384694,
];
const smallDenominator = [1, 23.601290952344122, 244.02463793444417, 1282.6165260773723, 2844.236833439171];
const middleNumerator = [
  2.1531153547440383e-8, 0.5641884969886701, 8.883149794388377, 66.11919063714163, 298.6351381974001, 881.952221241769,
  1712.0476126340707, 2051.0783778260716, 1230.3393547979972,
];
const middleDenominator = [
  1, 15.744926110709835, 117.6939508913125, 537.1811018620099, 1621.3895745666903, 3290.7992357334597,
  4362.619090143247, 3439.3676741437216, 1230.3393548037495,
];
const largeNumerator = [
  0.016315387137302097, 0.30532663496123236, 0.36034489994980445, 0.12578172611122926, 0.016083785148742275,
  0.0006587491615298378,
];
const largeDenominator = [
  1, 2.568520192289822, 1.8729528499234673, 0.5279051029514285, 0.06051834131244132, 0.0023352049762686918,
];
