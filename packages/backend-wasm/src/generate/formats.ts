import type { DType } from '@halfgrad/core';
import type { Local, Operand, Value } from '../encoder/code.ts';
import type { Body } from '../encoder/control.ts';
import type { FunctionBuilder } from '../encoder/function-builder.ts';
import { i32 } from '../encoder/scalar.ts';
import { f32x4, i16x8, i32x4, v128 } from '../encoder/simd.ts';

type Pointer = Operand<'i32'>;
type Vector = Value<'v128'>;
type VectorLocal = Local<'v128'>;

/** The dtypes that kernels of this device compute with. */
export type KernelDType = 'float32' | 'float16' | 'bfloat16';

export function isKernelDType(dtype: DType): dtype is KernelDType {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16';
}

/**
 * How a storage format becomes vectors of float32 and back. Offsets count elements.
 *
 * Both directions are exact: widening loses nothing, storing rounds to nearest with ties to even, subnormals and infinities
 * are kept, and NaN becomes the quiet NaN that core's codecs write (AMP.md D2.1).
 */
export interface Format {
  readonly bytes: number;
  /** `target` = the element at `pointer` in every lane. */
  loadSplat(f: FunctionBuilder, pointer: Pointer, target: VectorLocal): Body;
  load4(f: FunctionBuilder, pointer: Pointer, offset: number, target: VectorLocal): Body;
  load8(f: FunctionBuilder, pointer: Pointer, offset: number, low: VectorLocal, high: VectorLocal): Body;
  store8(f: FunctionBuilder, pointer: Pointer, offset: number, low: VectorLocal, high: VectorLocal): Body;
}

const float32: Format = {
  bytes: 4,
  loadSplat: (_, pointer, target) => [target.set(v128.load32Splat(pointer))],
  load4: (_, pointer, offset, target) => [target.set(v128.load(pointer, offset * 4))],
  load8: (_, pointer, offset, low, high) => [
    low.set(v128.load(pointer, offset * 4)),
    high.set(v128.load(pointer, offset * 4 + 16)),
  ],
  store8: (_, pointer, offset, low, high) => [
    v128.store(pointer, low, offset * 4),
    v128.store(pointer, high, offset * 4 + 16),
  ],
};

/** A 16-bit format, from how it widens the bits in the upper half of each 32-bit lane, and how it rounds eight floats. */
function halfFormat(
  widen: (f: FunctionBuilder, top: VectorLocal) => Vector,
  narrow: (f: FunctionBuilder, low: VectorLocal, high: VectorLocal) => Vector,
): Format {
  const widenInto = (f: FunctionBuilder, target: VectorLocal, top: Vector): Body => [
    target.set(top),
    target.set(widen(f, target)),
  ];
  return {
    bytes: 2,
    loadSplat: (f, pointer, target) => widenInto(f, target, i32x4.splat(i32.shl(i32.load16U(pointer), 16))),
    load4: (f, pointer, offset, target) => widenInto(f, target, i32x4.shl(v128.load16x4U(pointer, offset * 2), 16)),
    load8(f, pointer, offset, low, high) {
      const bits = f.temporary('bits');
      return [
        bits.set(v128.load(pointer, offset * 2)),
        // Interleaving with zero puts each element into the upper half of a lane.
        widenInto(f, low, v128.shuffle16(f.i32x4(0), bits, [0, 8, 1, 9, 2, 10, 3, 11])),
        widenInto(f, high, v128.shuffle16(f.i32x4(0), bits, [4, 12, 5, 13, 6, 14, 7, 15])),
      ];
    },
    store8: (f, pointer, offset, low, high) => [v128.store(pointer, narrow(f, low, high), offset * 2)],
  };
}

/** A bfloat16 is the upper half of a float32. */
const bfloat16: Format = halfFormat(
  (_, top) => top,
  (f, low, high) => v128.shuffle16(roundToBfloat16(f, low), roundToBfloat16(f, high), [1, 3, 5, 7, 9, 11, 13, 15]),
);

/** Rounds the bits of a float32 to their upper half: adds half a unit less one, and one more where that half is odd. */
function roundToBfloat16(f: FunctionBuilder, x: VectorLocal): Vector {
  const lowestKept = v128.and(i32x4.shrU(x, 16), f.i32x4(1));
  const rounded = i32x4.add(i32x4.add(x, f.i32x4(0x7fff)), lowestKept);
  const quietNaN = v128.or(x, f.i32x4(0x0040_0000));
  return v128.bitselect(quietNaN, rounded, f32x4.ne(x, x));
}

const float16: Format = halfFormat(widenFloat16, narrowToFloat16);

const signBit = 0x8000_0000;
/** The exponent biases of float32 and float16, and the mantissa bits that float16 lacks. */
const rebias = (127 - 15) << 23;
const droppedBits = 23 - 10;
/** The smallest normal float16. */
const smallestNormal = 2 ** -14;

/**
 * Moves exponent and mantissa into place and adds the difference of the biases.
 *
 * What was subnormal now reads 2^−15·(1 + m) instead of 2^−14·m; doubling it and subtracting 2^−14 mends that exactly,
 * and gives more than the value itself wherever nothing was wrong, so the smaller of the two is right. Multiplying by a
 * power of two would do too, but is slow for subnormals on many processors.
 */
function widenFloat16(f: FunctionBuilder, top: VectorLocal): Vector {
  const moved = f.temporary('moved');
  const magnitude = v128.and(i32x4.shrU(top, 3), f.i32x4(0x0fff_e000));
  const doubledLess = f32x4.sub(i32x4.add(moved, f.i32x4(1 << 23)), f.f32x4(smallestNormal));
  const isSpecial = i32x4.gtS(moved, f.i32x4(rebias + (31 << 23) - 1));
  const infiniteExponent = v128.and(isSpecial, f.i32x4(0x7f80_0000));
  const finite = f32x4.pmin(moved.tee(i32x4.add(magnitude, f.i32x4(rebias))), doubledLess);
  return v128.or(v128.or(finite, infiniteExponent), v128.and(top, f.i32x4(signBit)));
}

/** Narrowing saturates: NaN, which is above every code, becomes 0x7fff and then the quiet NaN 0x7e00. */
function narrowToFloat16(f: FunctionBuilder, low: VectorLocal, high: VectorLocal): Vector {
  const codes = i16x8.narrowI32x4S(float16Code(f, low), float16Code(f, high));
  const signs = v128.and(i16x8.narrowI32x4S(low, high), f.i32x4(0x8000_8000));
  return v128.or(i16x8.minS(codes, f.i32x4(0x7e00_7e00)), signs);
}

/**
 * The float16 bits of |x| as an integer; a NaN comes out above 0x7c00.
 *
 * Normal numbers: subtract the difference of the biases, round the 13 surplus bits as for bfloat16. Subnormal ones: the
 * addition of ½, whose unit is 2^−24, rounds to units of float16's subnormals and leaves their count in the low bits. The
 * larger of the two codes is the right one.
 */
function float16Code(f: FunctionBuilder, x: VectorLocal): Vector {
  const clamped = f.temporary('clamped');
  // From 2^16 on everything is infinite; pmin keeps a NaN.
  const magnitude = clamped.tee(f32x4.pmin(v128.and(x, f.i32x4(0x7fff_ffff)), f.f32x4(2 ** 16)));
  const lowestKept = v128.and(i32x4.shrU(clamped, droppedBits), f.i32x4(1));
  const normal = i32x4.shrS(i32x4.add(i32x4.add(magnitude, f.i32x4(0x0fff - rebias)), lowestKept), droppedBits);
  const counted = f32x4.add(f32x4.pmin(clamped, f.f32x4(smallestNormal)), f.f32x4(0.5));
  return i32x4.maxS(normal, i32x4.sub(counted, f.f32x4(0.5)));
}

export const formats: { readonly [D in KernelDType]: Format } = { float32, float16, bfloat16 };
