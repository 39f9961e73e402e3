import { sizeOf, stridesOf, type TensorSpec } from '@halfgrad/core';
import { copyOf, type Numbers } from '../host-tensor.ts';
import { copyElements } from './movement.ts';

/** Elements laid out so that the dimensions of interest come last: `count` rows of `length` elements. */
export interface Rows<N extends Numbers> {
  readonly values: N;
  readonly count: number;
  readonly length: number;
}

/** The elements of a tensor with `dims` (ascending) moved behind the others; copied only if they are not there. */
export function rowsOf<N extends Numbers>(
  values: N,
  { shape }: Pick<TensorSpec, 'shape'>,
  dims: readonly number[],
): Rows<N> {
  const length = sizeOf(dims.map((dim) => shape[dim]!));
  const count = sizeOf(shape.filter((_, dim) => !dims.includes(dim)));
  return { values: isLast(dims, shape.length) ? values : rearrange(values, shape, dims, 'collect'), count, length };
}

/** Undoes `rowsOf` for elements that were computed row by row. */
export function fromRows<N extends Numbers>(
  values: N,
  { shape }: Pick<TensorSpec, 'shape'>,
  dims: readonly number[],
): N {
  return isLast(dims, shape.length) ? values : rearrange(values, shape, dims, 'spread');
}

function isLast(dims: readonly number[], rank: number): boolean {
  return dims.every((dim, i) => dim === rank - dims.length + i);
}

function rearrange<N extends Numbers>(
  values: N,
  shape: readonly number[],
  dims: readonly number[],
  direction: 'collect' | 'spread',
): N {
  const all = shape.map((_, dim) => dim);
  const order = [...all.filter((dim) => !dims.includes(dim)), ...dims];
  const strides = stridesOf(shape);
  const moved = order.map((dim) => shape[dim]!);
  const natural = order.map((dim) => strides[dim]!);
  const result = copyOf(values);
  const [to, from] = direction === 'collect' ? [stridesOf(moved), natural] : [natural, stridesOf(moved)];
  copyElements(moved, { data: result, offset: 0, strides: to }, { data: values, offset: 0, strides: from });
  return result;
}
