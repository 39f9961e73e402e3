import type { Attrs, Inputs, OpName, Tree } from '@halfgrad/core';
import type { SampleTensor } from './tensor.ts';

/** Arguments of one call of an op. */
export interface Sample<I, A> {
  readonly inputs: I;
  readonly attrs: A;
  /** Whether elements of the result combine several of the input: then a device may add in an order of its own. */
  readonly reduces: boolean;
  /** Floating-point inputs without a gradient: statistics, which depend on the others or are kept outside the graph. */
  readonly constants: readonly string[];
}

/** Arguments that the shape rule of `K` accepts, away from points where the op has no derivative. */
export type OpSample<K extends OpName> = Sample<Inputs<K, SampleTensor>, Attrs<K>>;

export function elementwise<I, A>(inputs: I, attrs: A): Sample<I, A> {
  return { inputs, attrs, reduces: false, constants: [] };
}

export function reducing<I, A>(inputs: I, attrs: A, constants: readonly (keyof I & string)[] = []): Sample<I, A> {
  return { inputs, attrs, reduces: true, constants };
}

/** A sample of any op. */
export type AnySample = Sample<Tree<SampleTensor>, unknown>;
