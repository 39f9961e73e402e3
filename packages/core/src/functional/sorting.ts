import { dispatch } from '../dispatch/layers.ts';
import { argumentError } from '../spec/errors.ts';
import { normalizeDim } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { gather } from './indexing.ts';
import { narrow, squeeze } from './movement.ts';
import { argmax, argmin, type ReductionOptions } from './reduction.ts';

/** Elements, and where along the dimension they came from, as int32. Gradients go to where they came from. */
export interface ValuesAndIndices {
  readonly values: Tensor;
  readonly indices: Tensor;
}

/** The positions that would sort `dim`. Equal elements keep their order; NaN counts as the largest. */
export function argsort(x: Tensor, dim = -1, { descending = false }: { descending?: boolean } = {}): Tensor {
  return dispatch('argsort', { x }, { dim: normalizeDim('argsort', dim, x.shape.length), descending });
}

/** The elements of `dim` in order. Equal elements keep their order; NaN counts as the largest. */
export function sort(x: Tensor, dim = -1, options: { descending?: boolean } = {}): ValuesAndIndices {
  const indices = argsort(x, dim, options);
  return { values: gather(x, dim, indices), indices };
}

/** The `k` largest elements of `dim`, or the smallest, in order. */
export function topk(x: Tensor, k: number, dim = -1, { largest = true }: { largest?: boolean } = {}): ValuesAndIndices {
  const size = x.shape[normalizeDim('topk', dim, x.shape.length)] ?? 1;
  if (!(Number.isInteger(k) && k >= 0 && k <= size)) {
    throw argumentError('invalid-argument', 'topk', `k is ${k}, but dim ${dim} has ${size} elements`, { x });
  }
  const order = argsort(x, dim, { descending: largest });
  const indices = x.shape.length === 0 ? order : narrow(order, dim, 0, k);
  return { values: gather(x, dim, indices), indices };
}

/** The maximum of `dim` and its position. Unlike `amax`, the first of equal maxima gets the whole gradient. */
export function max(x: Tensor, dim: number, options?: ReductionOptions): ValuesAndIndices {
  return extremum(x, dim, argmax(x, dim, { keepDim: true }), options);
}

/** The minimum of `dim` and its position. Unlike `amin`, the first of equal minima gets the whole gradient. */
export function min(x: Tensor, dim: number, options?: ReductionOptions): ValuesAndIndices {
  return extremum(x, dim, argmin(x, dim, { keepDim: true }), options);
}

function extremum(
  x: Tensor,
  dim: number,
  indices: Tensor,
  { keepDim = false }: ReductionOptions = {},
): ValuesAndIndices {
  const values = gather(x, dim, indices);
  return keepDim ? { values, indices } : { values: squeeze(values, dim), indices: squeeze(indices, dim) };
}
