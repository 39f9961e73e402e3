import type { DType } from './dtype.ts';

/** What is known about a tensor without looking at its data. */
export interface TensorSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Set on the 0-dim stand-in of a plain JavaScript number, which takes part in promotion last (AMP.md D4.1). */
  readonly isNumber?: boolean | undefined;
}

/** `float32[2,3]`, as error messages print it. */
export function showSpec({ shape, dtype }: TensorSpec): string {
  return `${dtype}[${shape.join(',')}]`;
}

/** Arguments and results of ops: a tensor, a list of tensors, or a record of either; optional inputs are undefined. */
export type Tree<T> =
  | T
  | undefined
  | readonly (T | undefined)[]
  | { readonly [name: string]: T | undefined | readonly T[] };

function isSpec(tree: object): tree is TensorSpec {
  return 'dtype' in tree;
}

/** The tensors of a tree, in order. */
export function leaves<T extends TensorSpec>(tree: Tree<T>): T[] {
  if (tree === undefined) return [];
  if (isSpec(tree as object)) return [tree as T];
  const found: T[] = [];
  for (const branch of Object.values(tree as object)) {
    if (branch !== undefined) found.push(...leaves<T>(branch as Tree<T>));
  }
  return found;
}

/** The same tree with every tensor replaced. */
export function mapLeaves<T extends TensorSpec, U>(tree: Tree<T>, f: (leaf: T) => U): Tree<U> {
  if (tree === undefined) return undefined;
  if (isSpec(tree as object)) return f(tree as T);
  if (Array.isArray(tree)) return tree.map((leaf: T) => f(leaf));
  const mapped: Record<string, Tree<U>> = {};
  for (const [name, branch] of Object.entries(tree as object)) mapped[name] = mapLeaves(branch as Tree<T>, f);
  return mapped as Tree<U>;
}
