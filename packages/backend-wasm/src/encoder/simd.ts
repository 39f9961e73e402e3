import {
  type Bytes,
  type Operand,
  operandBytes,
  type Statement,
  statementOf,
  type Value,
  type ValueType,
} from './code.ts';
import {
  access,
  type Instructions,
  instructions,
  opcodeBytes,
  type Ternary,
  type Unary,
  unary,
} from './instruction.ts';

/** Instructions on 128-bit vectors, under the names of the WebAssembly specification in camelCase. */

type Vector = Value<'v128'>;

const v128Opcodes = {
  unary: { not: 77 },
  binary: { and: 78, andnot: 79, or: 80, xor: 81 },
  ternary: { bitselect: 82 },
  load: { load: 0, load16x4U: 4, load32Splat: 9, load64Zero: 93 },
  store: { store: 11 },
} as const;

/** Chooses lanes from the concatenation of `a` and `b`. */
type Shuffle = (a: Vector, b: Vector, lanes: readonly number[]) => Vector;

interface WholeVector {
  readonly anyTrue: Unary<'v128', 'i32'>;
  /** Writes the lower (0) or upper (1) eight bytes. */
  store64Lane(pointer: Operand<'i32'>, value: Vector, lane: 0 | 1, offset?: number): Statement;
  readonly shuffle8: Shuffle;
  readonly shuffle16: Shuffle;
  readonly shuffle32: Shuffle;
}

export const v128: Instructions<'v128', typeof v128Opcodes> & WholeVector = {
  ...instructions('v128', v128Opcodes),
  anyTrue: unary('v128', 'i32', simd(83)),
  store64Lane: (pointer, value, lane, offset = 0) =>
    statementOf(operandBytes('i32', pointer), value.bytes, simd(91), access(offset), lane),
  shuffle8: shuffle(1),
  shuffle16: shuffle(2),
  shuffle32: shuffle(4),
};

const i16x8Opcodes = { binary: { minS: 150, narrowI32x4S: 133 } } as const;

export const i16x8: Instructions<'v128', typeof i16x8Opcodes> = instructions('v128', i16x8Opcodes);

const i32x4Opcodes = { binary: { ltS: 57, gtS: 59, geS: 63, add: 174, sub: 177, maxS: 184 } } as const;

/** Moves the bits of every lane by a scalar count. */
type Shift = (x: Vector, count: Operand<'i32'>) => Vector;

export const i32x4: Instructions<'v128', typeof i32x4Opcodes> &
  Lanes<'i32'> & { readonly shl: Shift; readonly shrS: Shift; readonly shrU: Shift } = {
  ...instructions('v128', i32x4Opcodes),
  ...lanes('i32', 17, 27),
  shl: shift(171),
  shrS: shift(172),
  shrU: shift(173),
};

const f32x4Opcodes = {
  unary: { abs: 224, neg: 225, sqrt: 227, convertI32x4S: 250, demoteF64x2Zero: 94 },
  // min and max give NaN if either is; pmin is `b < a ? b : a`, pmax is `a < b ? b : a`.
  binary: {
    eq: 65,
    ne: 66,
    lt: 67,
    gt: 68,
    le: 69,
    ge: 70,
    add: 228,
    sub: 229,
    mul: 230,
    div: 231,
    min: 232,
    max: 233,
    pmin: 234,
    pmax: 235,
  },
} as const;

/** `relaxedMadd` is `a · b + c` with one rounding or two, as the processor likes. */
export const f32x4: Instructions<'v128', typeof f32x4Opcodes> &
  Lanes<'f32'> & { readonly relaxedMadd: Ternary<'v128'> } = {
  ...instructions('v128', { ...f32x4Opcodes, ternary: { relaxedMadd: 0x105 } }),
  ...lanes('f32', 19, 31),
};

const f64x2Opcodes = {
  unary: { sqrt: 239, promoteLowF32x4: 95 },
  binary: { add: 240, sub: 241, mul: 242, div: 243, max: 245 },
} as const;

export const f64x2: Instructions<'v128', typeof f64x2Opcodes> & Lanes<'f64'> = {
  ...instructions('v128', f64x2Opcodes),
  ...lanes('f64', 20, 33),
};

/** Between a scalar and the lanes of a vector. */
interface Lanes<T extends ValueType> {
  readonly splat: Unary<T, 'v128'>;
  extractLane(x: Vector, lane: number): Value<T>;
}

function lanes<T extends ValueType>(type: T, splat: number, extract: number): Lanes<T> {
  return {
    splat: unary(type, 'v128', simd(splat)),
    extractLane: (x, lane) => ({ type, bytes: [x.bytes, simd(extract), lane] }),
  };
}

function shift(opcode: number): Shift {
  return (x, count) => ({ type: 'v128', bytes: [x.bytes, operandBytes('i32', count), simd(opcode)] });
}

/** WebAssembly shuffles bytes: a lane of `width` bytes is that many neighbours. */
function shuffle(width: number): Shuffle {
  return (a, b, lanes) => {
    const bytes = lanes.flatMap((lane) => Array.from({ length: width }, (_, i) => lane * width + i));
    return { type: 'v128', bytes: [a.bytes, b.bytes, simd(13), bytes] };
  };
}

function simd(opcode: number): Bytes {
  return opcodeBytes('v128', opcode);
}
