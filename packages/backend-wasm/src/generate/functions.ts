import type { Local, Value } from '../encoder/code.ts';
import type { Body } from '../encoder/control.ts';
import type { FunctionBuilder } from '../encoder/function-builder.ts';
import { f32x4, i32x4, v128 } from '../encoder/simd.ts';

type Vector = Value<'v128'>;
type VectorLocal = Local<'v128'>;

/** Adding 1.5·2^23 to a float32 of moderate size rounds it to an integer, which then sits in the low mantissa bits. */
const roundingShift = 1.5 * 2 ** 23;
const roundingShiftBits = 0x4b40_0000;

/** ln 2 in two parts; the first has so few bits that its products with the integers in question are exact. */
const ln2High = 0.693359375;
const ln2Low = -2.1219444e-4;

/** (e^r − 1 − r) / r² for |r| ≤ ln 2 / 2, from r⁰ on: a minimax fit. */
const expCoefficients = [0.5, 0.166665181517601, 0.04166620224714279, 0.008369018323719501, 0.0013950708089396358];

/**
 * `target` = e^x to within 1 ulp, with subnormal results, 0, ∞ and NaN.
 *
 *   x = n·ln 2 + r,  |r| ≤ ln 2 / 2,  e^x = e^r · 2^⌊n/2⌋ · 2^(n−⌊n/2⌋)
 *
 * Two factors, because 2^n itself may not exist as a float32 where the result does.
 *
 * @see Cody & Waite (1980), Software Manual for the Elementary Functions, chapter 6, for the reduction.
 */
export function exp(f: FunctionBuilder, x: VectorLocal, target: VectorLocal): Body {
  const [r, n, q, half] = [f.temporary('r'), f.temporary('n'), f.temporary('q'), f.temporary('half')];
  return [
    // Below −104.5 even the smallest subnormal is too large; above 89 everything is infinite.
    r.set(f32x4.pmin(f32x4.pmax(x, f.f32x4(-104.5)), f.f32x4(89))),
    n.set(f32x4.add(f32x4.mul(r, f.f32x4(Math.LOG2E)), f.f32x4(roundingShift))),
    q.set(f32x4.sub(n, f.f32x4(roundingShift))),
    n.set(i32x4.sub(n, f.i32x4(roundingShiftBits))),
    half.set(i32x4.shrS(n, 1)),
    n.set(i32x4.sub(n, half)),
    r.set(f32x4.sub(r, f32x4.mul(q, f.f32x4(ln2High)))),
    r.set(f32x4.sub(r, f32x4.mul(q, f.f32x4(ln2Low)))),
    q.set(f32x4.mul(f32x4.mul(r, r), polynomial(f, r, expCoefficients))),
    q.set(f32x4.add(f32x4.add(q, r), f.f32x4(1))),
    q.set(f32x4.mul(f32x4.mul(q, powerOfTwo(f, half)), powerOfTwo(f, n))),
    target.set(v128.or(q, f32x4.ne(x, x))),
  ];
}

/** (ln(1 + f) − f + f²/2) / f³ for √½ ≤ 1 + f ≤ √2, from f⁰ on: a minimax fit. */
const logCoefficients = [
  0.3333331048488617, -0.24999986588954926, 0.20002231001853943, -0.1666926145553589, 0.14218564331531525,
  -0.12384095788002014, 0.1187346875667572, -0.11791609227657318, 0.06916418671607971,
];

/** √½ */
const sqrtHalfBits = 0x3f35_04f3;

/**
 * `target` = ln x to within 1 ulp, for positive normal numbers and NaN.
 *
 *   x = 2^e · (1 + f),  ln x = e·ln 2 + f − f²/2 + f³·P(f)
 *
 * @see Cody & Waite (1980), chapter 5.
 */
export function log(f: FunctionBuilder, x: VectorLocal, target: VectorLocal): Body {
  const [e, m, square, tail] = [f.temporary('e'), f.temporary('m'), f.temporary('square'), f.temporary('tail')];
  return [
    e.set(i32x4.shrS(i32x4.sub(x, f.i32x4(sqrtHalfBits)), 23)),
    m.set(f32x4.sub(i32x4.sub(x, i32x4.shl(e, 23)), f.f32x4(1))),
    e.set(f32x4.convertI32x4S(e)),
    square.set(f32x4.mul(m, m)),
    tail.set(f32x4.mul(f32x4.mul(square, m), polynomial(f, m, logCoefficients))),
    tail.set(f32x4.add(tail, f32x4.mul(e, f.f32x4(ln2Low)))),
    tail.set(f32x4.sub(tail, f32x4.mul(square, f.f32x4(0.5)))),
    tail.set(f32x4.add(f32x4.add(m, tail), f32x4.mul(e, f.f32x4(ln2High)))),
    target.set(v128.or(tail, f32x4.ne(x, x))),
  ];
}

/** Horner's scheme, coefficients from the constant up. */
function polynomial(f: FunctionBuilder, x: VectorLocal, coefficients: readonly number[]): Vector {
  return coefficients.reduceRight<Vector | undefined>(
    (sum, coefficient) => (sum ? f32x4.add(f32x4.mul(sum, x), f.f32x4(coefficient)) : f.f32x4(coefficient)),
    undefined,
  ) as Vector;
}

/** 2^k for integers −126 ≤ k ≤ 127. */
function powerOfTwo(f: FunctionBuilder, k: VectorLocal): Vector {
  return i32x4.shl(i32x4.add(k, f.i32x4(127)), 23);
}
