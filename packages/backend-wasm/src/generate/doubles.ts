import type { Local, Value } from '../encoder/code.ts';
import type { Body } from '../encoder/control.ts';
import { f32x4, f64x2, v128 } from '../encoder/simd.ts';

type Vector = Value<'v128'>;
type VectorLocal = Local<'v128'>;

/** Runs `body` on the lower and on the upper two lanes of vectors of float32. */
export function eachHalf(body: (half: Half) => Body): Body {
  return [body(lowerHalf), body(upperHalf)];
}

/**
 * Two lanes of float32 as float64: what is computed in between is rounded once, as JavaScript's numbers are, so that
 * results equal the reference device's bit for bit.
 */
export interface Half {
  widen(x: VectorLocal): Vector;
  /** Replaces the two lanes of `target`. */
  narrow(target: VectorLocal, doubles: Vector): Body;
}

const lowerHalf: Half = {
  widen: (x) => f64x2.promoteLowF32x4(x),
  narrow: (target, doubles) => [target.set(v128.shuffle32(f32x4.demoteF64x2Zero(doubles), target, [0, 1, 6, 7]))],
};

const upperHalf: Half = {
  widen: (x) => f64x2.promoteLowF32x4(v128.shuffle32(x, x, [2, 3, 2, 3])),
  narrow: (target, doubles) => [target.set(v128.shuffle32(target, f32x4.demoteF64x2Zero(doubles), [0, 1, 4, 5]))],
};
