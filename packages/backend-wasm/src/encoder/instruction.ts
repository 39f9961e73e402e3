import {
  type Bytes,
  type Operand,
  operandBytes,
  type Statement,
  statementOf,
  type Value,
  type ValueType,
} from './code.ts';
import { unsigned } from './leb128.ts';

/** Opcodes of instructions whose operands and result are of one type, by arity, and of its accesses to memory. */
export interface Opcodes {
  readonly unary?: Readonly<Record<string, number>>;
  readonly binary?: Readonly<Record<string, number>>;
  readonly ternary?: Readonly<Record<string, number>>;
  readonly load?: Readonly<Record<string, number>>;
  readonly store?: Readonly<Record<string, number>>;
}

export type Unary<A extends ValueType, R extends ValueType> = (x: Operand<A>) => Value<R>;
type Binary<T extends ValueType> = (a: Operand<T>, b: Operand<T>) => Value<T>;
export type Ternary<T extends ValueType> = (a: Operand<T>, b: Operand<T>, c: Operand<T>) => Value<T>;
/** Reads memory at `pointer + offset` bytes; pointers are unsigned. */
type Load<T extends ValueType> = (pointer: Operand<'i32'>, offset?: number) => Value<T>;
/** Writes memory at `pointer + offset` bytes. */
type Store<T extends ValueType> = (pointer: Operand<'i32'>, value: Operand<T>, offset?: number) => Statement;

/** The makers of the instructions of a table. */
export type Instructions<T extends ValueType, O extends Opcodes> = {
  readonly [N in keyof O['unary']]: Unary<T, T>;
} & { readonly [N in keyof O['binary']]: Binary<T> } & { readonly [N in keyof O['ternary']]: Ternary<T> } & {
  readonly [N in keyof O['load']]: Load<T>;
} & { readonly [N in keyof O['store']]: Store<T> };

export function instructions<T extends ValueType, const O extends Opcodes>(type: T, opcodes: O): Instructions<T, O> {
  const makers: Record<string, unknown> = {};
  const add = (names: Readonly<Record<string, number>> | undefined, maker: (opcode: Bytes) => unknown): void => {
    for (const [name, opcode] of Object.entries(names ?? {})) makers[name] = maker(opcodeBytes(type, opcode));
  };
  add(opcodes.unary, (opcode) => unary(type, type, opcode));
  add(opcodes.binary, (opcode): Binary<T> => {
    return (a, b) => ({ type, bytes: [operandBytes(type, a), operandBytes(type, b), opcode] });
  });
  add(opcodes.ternary, (opcode): Ternary<T> => {
    return (a, b, c) => ({
      type,
      bytes: [operandBytes(type, a), operandBytes(type, b), operandBytes(type, c), opcode],
    });
  });
  add(opcodes.load, (opcode): Load<T> => {
    return (pointer, offset = 0) => ({ type, bytes: [operandBytes('i32', pointer), opcode, access(offset)] });
  });
  add(opcodes.store, (opcode): Store<T> => {
    return (pointer, value, offset = 0) =>
      statementOf(operandBytes('i32', pointer), operandBytes(type, value), opcode, access(offset));
  });
  return makers as Instructions<T, O>;
}

/** An instruction from one type to another. */
export function unary<A extends ValueType, R extends ValueType>(operand: A, result: R, opcode: Bytes): Unary<A, R> {
  return (x) => ({ type: result, bytes: [operandBytes(operand, x), opcode] });
}

/** Vector instructions share a prefix. */
export function opcodeBytes(type: ValueType, opcode: number): Bytes {
  return type === 'v128' ? [0xfd, ...unsigned(opcode)] : opcode;
}

/** The immediate of a memory access: no alignment is promised, which costs nothing on today's processors. */
export function access(offset: number): Bytes {
  return [0, ...unsigned(offset)];
}
