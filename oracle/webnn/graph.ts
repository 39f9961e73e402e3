import type { Device, Tensor } from '@halfgrad/core';

/** A tensor in the suite's files; a single number fills it, big integers are strings that end in `n`. */
export interface WebnnTensor {
  readonly data: number | string | readonly (number | string)[];
  readonly descriptor: { readonly shape: readonly number[]; readonly dataType: string };
}

type WebnnValue = number | string | boolean | readonly number[] | readonly string[];
type WebnnOptions = Readonly<Record<string, WebnnValue>>;

export interface WebnnOperator {
  readonly name: string;
  /** One record per argument of the JavaScript method; tensors are named. */
  readonly arguments: readonly Readonly<Record<string, WebnnValue | WebnnOptions>>[];
  readonly outputs: string | readonly string[];
}

export interface WebnnCase {
  readonly name: string;
  readonly graph: {
    readonly inputs: Readonly<Record<string, WebnnTensor>>;
    readonly operators: readonly WebnnOperator[];
    readonly expectedOutputs: Readonly<Record<string, WebnnTensor>>;
  };
  readonly tolerance: { readonly type: 'ULP' | 'ATOL'; readonly value: number };
}

/** A method call with the tensors that it names. */
export interface WebnnCall {
  readonly device: Device;
  /** An argument that is a tensor. */
  input(name: string): Tensor;
  /** An argument that is a list of tensors. */
  inputs(name: string): readonly Tensor[];
  /** An option that is a tensor. */
  optional(name: string): Tensor | undefined;
  number(name: string, fallback: number): number;
  numbers(name: string): readonly number[] | undefined;
  text(name: string, fallback: string): string;
  is(name: string): boolean;
}

/** What a method of WebNN's graph builder is in terms of the library's functions. */
export type WebnnOp = (call: WebnnCall) => Tensor | readonly Tensor[];

export function createCall(operator: WebnnOperator, values: ReadonlyMap<string, Tensor>, device: Device): WebnnCall {
  const { options = {}, ...positional } = Object.assign({}, ...operator.arguments) as WebnnOptions & {
    readonly options?: WebnnOptions;
  };
  const settings: WebnnOptions = { ...positional, ...options };
  const tensorNamed = (name: string): Tensor => {
    const value = values.get(name);
    if (!value) throw new Error(`${operator.name}: no tensor ${name}`);
    return value;
  };
  const list = (name: string): readonly (string | number)[] | undefined => {
    const value = settings[name];
    return Array.isArray(value) ? value : undefined;
  };
  return {
    device,
    input: (name) => tensorNamed(String(settings[name])),
    inputs: (name) => (list(name) ?? []).map((value) => tensorNamed(String(value))),
    optional: (name) => (typeof settings[name] === 'string' ? tensorNamed(settings[name]) : undefined),
    // 'Infinity', '-Infinity' and 'NaN' are strings.
    number: (name, fallback) => (settings[name] === undefined ? fallback : Number(settings[name])),
    numbers: (name) => list(name)?.map(Number),
    text: (name, fallback) => (typeof settings[name] === 'string' ? settings[name] : fallback),
    is: (name) => settings[name] === true,
  };
}
