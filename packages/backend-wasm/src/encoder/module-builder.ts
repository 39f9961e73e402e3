import {
  type Bytes,
  createLocal,
  type Local,
  type Operand,
  operandBytes,
  type Statement,
  statementOf,
  typeCodes,
  type Value,
  type ValueType,
} from './code.ts';
import type { Body } from './control.ts';
import { FunctionBuilder } from './function-builder.ts';
import { unsigned } from './leb128.ts';

/** The parameters of a function: their names, in order, and their types. */
export type Signature = Readonly<Record<string, ValueType>>;

type Locals<P extends Signature> = { readonly [N in keyof P]: Local<P[N]> };
type Operands<P extends Signature> = { readonly [N in keyof P]: Operand<P[N]> };

/** A function of the module. Itself and functions defined after it can call it. */
export interface FunctionHandle<P extends Signature, R extends ValueType | undefined = undefined> {
  readonly name: string;
  call(operands: Operands<P>): R extends ValueType ? Value<R> : Statement;
}

/** What a module imports as `env.memory`. */
export interface ImportedMemory {
  readonly maximumPages: number;
  /** Whether several threads may hold it; then it must be created as a shared memory too. */
  readonly shared: boolean;
}

interface DefinedFunction {
  readonly name: string;
  readonly type: readonly number[];
  code: readonly number[];
}

/** Collects functions over one imported memory into a WebAssembly module that exports all of them. */
export class ModuleBuilder {
  readonly #memory: ImportedMemory;
  readonly #functions: DefinedFunction[] = [];

  constructor(memory: ImportedMemory) {
    this.#memory = memory;
  }

  /** Adds a function without a result. `build` makes its body from its parameters; `self` is for recursion. */
  define<P extends Signature>(
    name: string,
    parameters: P,
    build: (f: FunctionBuilder, args: Locals<P>, self: FunctionHandle<P>) => Body,
  ): FunctionHandle<P> {
    const self: FunctionHandle<P> = {
      name,
      call: (operands) => statementOf(this.#callBytes(index, parameters, operands)),
    };
    const index = this.#reserve(name, parameters, []);
    this.#complete(index, parameters, (f, args) => build(f, args, self));
    return self;
  }

  /** The same for a function that gives a value back. */
  defineValue<P extends Signature, R extends ValueType>(
    name: string,
    parameters: P,
    result: R,
    build: (f: FunctionBuilder, args: Locals<P>, self: FunctionHandle<P, R>) => Body,
  ): FunctionHandle<P, R> {
    const value = (operands: Operands<P>): Value<R> => ({
      type: result,
      bytes: this.#callBytes(index, parameters, operands),
    });
    const self = { name, call: value } as FunctionHandle<P, R>;
    const index = this.#reserve(name, parameters, [result]);
    this.#complete(index, parameters, (f, args) => build(f, args, self));
    return self;
  }

  /** The module in the binary format. @see https://webassembly.github.io/spec/core/binary/modules.html */
  encode(): Uint8Array<ArrayBuffer> {
    const { maximumPages, shared } = this.#memory;
    const limits = [shared ? 3 : 1, ...unsigned(1), ...unsigned(maximumPages)];
    const memory = [...text('env'), ...text('memory'), 2, ...limits];
    const functions = this.#functions;
    return Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, vector(functions.map(({ type }) => type))),
      ...section(2, vector([memory])),
      ...section(3, vector(functions.map((_, i) => unsigned(i)))),
      ...section(7, vector(functions.map(({ name }, i) => [...text(name), 0, ...unsigned(i)]))),
      ...section(10, vector(functions.map(({ code }) => [...unsigned(code.length), ...code]))),
    ]);
  }

  #reserve(name: string, parameters: Signature, results: readonly ValueType[]): number {
    const codes = (types: readonly ValueType[]): number[] => vector(types.map((type) => [typeCodes[type]]));
    const type = [0x60, ...codes(Object.values(parameters)), ...codes(results)];
    return this.#functions.push({ name, type, code: [] }) - 1;
  }

  #complete<P extends Signature>(
    index: number,
    parameters: P,
    build: (f: FunctionBuilder, args: Locals<P>) => Body,
  ): void {
    const f = new FunctionBuilder(Object.values(parameters));
    const args = Object.entries(parameters).map(([name, type], i) => [name, createLocal(type, i)]);
    const body = build(f, Object.fromEntries(args) as Locals<P>);
    (this.#functions[index] as DefinedFunction).code = f.encode(body);
  }

  #callBytes<P extends Signature>(index: number, parameters: P, operands: Operands<P>): Bytes {
    const values = Object.entries(parameters).map(([name, type]) =>
      operandBytes(type, operands[name] as Operand<ValueType>),
    );
    return [values, 0x10, unsigned(index)];
  }
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function text(name: string): number[] {
  const bytes = [...name].map((character) => character.charCodeAt(0));
  return [...unsigned(bytes.length), ...bytes];
}
