import { type Operand, operandBytes, type Value } from './code.ts';
import { type Instructions, instructions, type Unary, unary } from './instruction.ts';

/** Instructions on scalars, under the names of the WebAssembly specification in camelCase. */

const i32Opcodes = {
  unary: { eqz: 0x45 },
  binary: {
    ltS: 0x48,
    ltU: 0x49,
    gtS: 0x4a,
    leS: 0x4c,
    geS: 0x4e,
    add: 0x6a,
    sub: 0x6b,
    mul: 0x6c,
    divU: 0x6e,
    remU: 0x70,
    and: 0x71,
    or: 0x72,
    shl: 0x74,
    shrU: 0x76,
  },
  load: { load: 0x28, load16U: 0x2f },
  store: { store: 0x36, store16: 0x3b },
} as const;

export const i32: Instructions<'i32', typeof i32Opcodes> = instructions('i32', i32Opcodes);

const f32Opcodes = {
  binary: { add: 0x92, sub: 0x93, mul: 0x94, div: 0x95 },
  load: { load: 0x2a },
  store: { store: 0x38 },
} as const;

export const f32: Instructions<'f32', typeof f32Opcodes> & { readonly demoteF64: Unary<'f64', 'f32'> } = {
  ...instructions('f32', f32Opcodes),
  demoteF64: unary('f64', 'f32', 0xb6),
};

const f64Opcodes = { binary: { add: 0xa0, sub: 0xa1, mul: 0xa2, div: 0xa3 } } as const;

export const f64: Instructions<'f64', typeof f64Opcodes> & { readonly promoteF32: Unary<'f32', 'f64'> } = {
  ...instructions('f64', f64Opcodes),
  promoteF32: unary('f32', 'f64', 0xbb),
};

/** The smaller of two signed integers, each of which is evaluated twice. */
export function minS(a: Operand<'i32'>, b: Operand<'i32'>): Value<'i32'> {
  return { type: 'i32', bytes: [operandBytes('i32', a), operandBytes('i32', b), i32.ltS(a, b).bytes, 0x1b] };
}
