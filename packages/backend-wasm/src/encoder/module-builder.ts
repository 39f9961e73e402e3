import {
  createLocal,
  type Local,
  type Operand,
  operandBytes,
  type Statement,
  statementOf,
  typeCodes,
  type ValueType,
} from './code.ts';
import type { Body } from './control.ts';
import { FunctionBuilder } from './function-builder.ts';
import { unsigned } from './leb128.ts';

/** The parameters of a function: their names, in order, and their types. */
export type Signature = Readonly<Record<string, ValueType>>;

type Locals<P extends Signature> = { readonly [N in keyof P]: Local<P[N]> };
type Operands<P extends Signature> = { readonly [N in keyof P]: Operand<P[N]> };

/** A function of the module, to be called by functions defined after it. */
export interface FunctionHandle<P extends Signature> {
  call(operands: Operands<P>): Statement;
}

/** What a module imports as `env.memory`. */
export interface ImportedMemory {
  readonly maximumPages: number;
  /** Whether several threads may hold it; then it must be created as a shared memory too. */
  readonly shared: boolean;
}

interface DefinedFunction {
  readonly name: string;
  readonly type: number[];
  readonly code: number[];
}

/** Collects functions over one imported memory into a WebAssembly module that exports all of them. */
export class ModuleBuilder {
  readonly #memory: ImportedMemory;
  readonly #functions: DefinedFunction[] = [];

  constructor(memory: ImportedMemory) {
    this.#memory = memory;
  }

  define<P extends Signature>(
    name: string,
    parameters: P,
    build: (f: FunctionBuilder, args: Locals<P>) => Body,
    result?: ValueType,
  ): FunctionHandle<P> {
    const types = Object.values(parameters);
    const builder = new FunctionBuilder(types);
    const args = Object.keys(parameters).map((parameter, i) => [parameter, createLocal(types[i] as ValueType, i)]);
    const code = builder.encode(build(builder, Object.fromEntries(args) as Locals<P>));
    const index = this.#functions.length;
    const results = result ? [typeCodes[result]] : [];
    const type = [0x60, ...vector(types.map((t) => [typeCodes[t]])), ...vector(results.map((code) => [code]))];
    this.#functions.push({ name, type, code });
    return {
      call: (operands) =>
        statementOf(
          Object.entries<ValueType>(parameters).map(([parameter, t]) =>
            operandBytes(t, operands[parameter] as Operand<ValueType>),
          ),
          0x10,
          unsigned(index),
        ),
    };
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
