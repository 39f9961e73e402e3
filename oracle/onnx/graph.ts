import type { Device, Tensor } from '@halfgrad/core';
import { Missing } from '../suite.ts';

/** A tensor in the suites' files; `data` are numbers, or the names of those that JSON lacks. */
export interface OnnxTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

type OnnxAttribute = number | string | readonly number[] | readonly string[] | { readonly tensor: OnnxTensor };

export interface OnnxNode {
  readonly op: string;
  /** An empty name is an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxCase {
  readonly name: string;
  readonly opset: { readonly 'ai.onnx': number };
  readonly nodes: readonly OnnxNode[];
  readonly initializers?: Readonly<Record<string, OnnxTensor>>;
  readonly inputs: Readonly<Record<string, OnnxTensor>>;
  readonly outputs: Readonly<Record<string, OnnxTensor>>;
}

/** A tensor of the graph, and what the file says of it if it was not computed. */
export interface OnnxValue {
  readonly tensor: Tensor;
  readonly recorded?: OnnxTensor;
}

/** A node with the values that its graph has computed for it. */
export interface OnnxCall {
  readonly device: Device;
  readonly opset: number;
  /** How many outputs are asked for. */
  readonly outputs: number;
  /** All inputs, none of them optional. */
  readonly inputs: readonly Tensor[];
  input(at: number): Tensor;
  optional(at: number): Tensor | undefined;
  /** The elements of an input that is a shape, axes or the like; such things are arguments here, not tensors. */
  numbers(at: number): readonly number[] | undefined;
  /** A value of the graph, for attributes that name one. */
  named(name: string): Tensor;
  int(name: string, fallback: number): number;
  float(name: string, fallback: number): number;
  text(name: string, fallback: string): string;
  ints(name: string): readonly number[] | undefined;
  texts(name: string): readonly string[] | undefined;
  attribute(name: string): OnnxAttribute | undefined;
}

/** What an ONNX operator is in terms of the library's functions. */
export type OnnxOp = (call: OnnxCall) => Tensor | readonly Tensor[];

export function createCall(
  node: OnnxNode,
  values: ReadonlyMap<string, OnnxValue>,
  opset: number,
  device: Device,
): OnnxCall {
  const { attributes, inputs: names } = node;
  const optional = (at: number): Tensor | undefined => (names[at] ? values.get(names[at])?.tensor : undefined);
  const present = <T>(value: T | undefined, what: string): T => {
    if (value === undefined) throw new Error(`${node.op} lacks ${what}`);
    return value;
  };
  const number = (name: string, fallback: number): number => {
    const value = attributes[name];
    return typeof value === 'number' ? value : fallback;
  };
  return {
    device,
    opset,
    outputs: node.outputs.length,
    get inputs() {
      return names.map((name) => present(values.get(name)?.tensor, `input ${name}`));
    },
    input: (at) => present(optional(at), `input ${at}`),
    optional,
    numbers: (at) => {
      const value = names[at] ? values.get(names[at]) : undefined;
      if (value && !value.recorded) throw new Missing('shapes that are computed');
      return value?.recorded?.data.map(Number);
    },
    named: (name) => present(values.get(name)?.tensor, `value ${name}`),
    int: number,
    float: number,
    text: (name, fallback) => {
      const value = attributes[name];
      return typeof value === 'string' ? value : fallback;
    },
    ints: (name) => {
      const value = attributes[name];
      return Array.isArray(value) ? value.map(Number) : undefined;
    },
    texts: (name) => {
      const value = attributes[name];
      return Array.isArray(value) ? value.map(String) : undefined;
    },
    attribute: (name) => attributes[name],
  };
}
