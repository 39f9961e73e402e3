import { createLocal, flatten, type Local, typeCodes, type ValueType } from './code.ts';
import { type Body, sequence } from './control.ts';
import { unsigned } from './leb128.ts';

/** The variables and constants of one function while its body is being generated. */
export class FunctionBuilder {
  readonly #types: ValueType[] = [];
  readonly #parameterCount: number;
  readonly #constants: Map<number, Local<'v128'>> = new Map();
  readonly #temporaries: Map<string, Local<'v128'>> = new Map();

  constructor(parameters: readonly ValueType[]) {
    this.#types.push(...parameters);
    this.#parameterCount = parameters.length;
  }

  local<T extends ValueType>(type: T): Local<T> {
    this.#types.push(type);
    return createLocal(type, this.#types.length - 1);
  }

  locals<T extends ValueType>(type: T, count: number): Local<T>[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  /** A vector for intermediate values of whoever knows its name; two users of one name must not overlap. */
  temporary(name: string): Local<'v128'> {
    const existing = this.#temporaries.get(name);
    if (existing) return existing;
    const created = this.local('v128');
    this.#temporaries.set(name, created);
    return created;
  }

  /**
   * The same 32 bits in all four lanes.
   *
   * Set once when the function starts: V8 builds a constant again at every use inside a loop, which halves the speed of
   * the float16 conversions.
   */
  i32x4(bits: number): Local<'v128'> {
    const existing = this.#constants.get(bits | 0);
    if (existing) return existing;
    const created = this.local('v128');
    this.#constants.set(bits | 0, created);
    return created;
  }

  /** The same float32 in all four lanes. */
  f32x4(x: number): Local<'v128'> {
    return this.i32x4(new Int32Array(new Float32Array([x]).buffer)[0] as number);
  }

  /** The code of the function: its locals, its constants, its body. */
  encode(body: Body): number[] {
    const constants = Array.from(this.#constants, ([bits, local]) => local.set(vectorConstant(bits)));
    const code = flatten([sequence(constants).statement, sequence(body).statement, 0x0b]);
    const declared = this.#types.slice(this.#parameterCount);
    const locals = declared.flatMap((type) => [1, typeCodes[type]]);
    return [...unsigned(declared.length), ...locals, ...code];
  }
}

function vectorConstant(bits: number) {
  const bytes = [...new Uint8Array(new Int32Array([bits, bits, bits, bits]).buffer)];
  return { type: 'v128', bytes: [0xfd, 0x0c, bytes] } as const;
}
