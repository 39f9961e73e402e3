import { signed, unsigned } from './leb128.ts';

/** The types of values on WebAssembly's stack that kernels use. */
export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

export const typeCodes: { readonly [T in ValueType]: number } = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Instruction bytes as a tree: combining is cheap, and a function is flattened once, when it is complete. */
export type Bytes = number | readonly Bytes[];

/** Instructions that leave one value of type `T` on the stack. */
export interface Value<T extends ValueType> {
  readonly type: T;
  readonly bytes: Bytes;
}

/** Instructions that leave nothing on the stack. */
export interface Statement {
  readonly statement: Bytes;
}

/** A value as operands are written: scalars also as plain numbers. */
export type Operand<T extends ValueType> = T extends 'v128' ? Value<'v128'> : Value<T> | number;

/** A variable of a function; reading it is using it as a value. */
export interface Local<T extends ValueType> extends Value<T> {
  readonly index: number;
  set(value: Operand<T>): Statement;
  /** Sets it in the middle of an expression; what is evaluated later can read it. */
  tee(value: Operand<T>): Value<T>;
}

export function flatten(bytes: Bytes, into: number[] = []): number[] {
  if (typeof bytes === 'number') into.push(bytes);
  else for (const part of bytes) flatten(part, into);
  return into;
}

export function statementOf(...bytes: Bytes[]): Statement {
  return { statement: bytes };
}

/** The bytes of an operand, with a plain number as a constant of its type. */
export function operandBytes<T extends ValueType>(type: T, operand: Operand<T>): Bytes {
  return typeof operand === 'number' ? constantBytes(type, operand) : (operand as Value<T>).bytes;
}

function constantBytes(type: ValueType, x: number): Bytes {
  if (type === 'i32') return [0x41, ...signed(x)];
  if (type === 'f32') return [0x43, ...new Uint8Array(new Float32Array([x]).buffer)];
  return [0x44, ...new Uint8Array(new Float64Array([x]).buffer)];
}

export function createLocal<T extends ValueType>(type: T, index: number): Local<T> {
  return {
    type,
    index,
    bytes: [0x20, ...unsigned(index)],
    set: (value) => statementOf(operandBytes(type, value), 0x21, unsigned(index)),
    tee: (value) => ({ type, bytes: [operandBytes(type, value), 0x22, unsigned(index)] }),
  };
}
