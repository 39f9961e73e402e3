import { dispatch } from '../dispatch/layers.ts';
import { argumentError } from '../spec/errors.ts';
import { normalizeDim, sameShape, sizeOf } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, cast, mul, where } from './elementwise.ts';
import { equal, greaterEqual, less } from './logical.ts';
import { expand, reshape, slice, unsqueeze } from './movement.ts';
import { amax, mean, sum } from './reduction.ts';

/**
 * The slices of `dim` that the int32 tensor `index` names. `index` may have any shape, which replaces `dim`.
 *
 * @throws TensorError `invalid-argument` for an index outside the dimension, on devices that can look.
 */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  return dispatch('indexSelect', { x, index }, { dim: normalizeDim('indexSelect', dim, x.shape.length) });
}

/**
 * `x` with `source` added at the slices of `dim` that `index` names.
 *
 * @throws TensorError `dtype-mismatch` unless both have one dtype: it does not promote, as in PyTorch (AMP.md A5).
 */
export function indexAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  if (x.dtype !== source.dtype) {
    throw argumentError('dtype-mismatch', 'indexAdd', 'dtypes differ', { x, source }, 'Cast source.');
  }
  const at = normalizeDim('indexAdd', dim, x.shape.length);
  return add(x, dispatch('indexAdd', { index, source }, { dim: at, size: x.shape[at] ?? 1 }));
}

/** `out[i][j] = x[index[i][j]][j]` for `dim` 0, and so on: one element per entry of the int32 `index`. */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  return dispatch('gather', { x, index }, { dim: normalizeDim('gather', dim, x.shape.length) });
}

/** `x` with `source` added at the positions of `dim` that `index` names, one per entry: the transpose of `gather`. */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  const at = normalizeDim('scatterAdd', dim, x.shape.length);
  const added = dispatch('scatterAdd', { index, source }, { dim: at, size: x.shape[at] ?? 1 });
  if (sameShape(added.shape, x.shape)) return add(x, added);
  const missing = x.shape.map((size, d) => size - (added.shape[d] ?? 0));
  if (added.shape.length !== x.shape.length || missing.some((count) => count < 0)) {
    throw argumentError('shape-mismatch', 'scatterAdd', `index does not fit x outside dim ${dim}`, { x, index });
  }
  const padding = missing.map((high) => ({ low: 0, high, interior: 0 }));
  return add(x, dispatch('pad', { x: added }, { padding, value: 0 }));
}

/**
 * `x` with `source` written at the positions of `dim` that `index` names, one per entry. Where several are written to one
 * place the last one stays, and gets the gradient.
 */
export function scatter(x: Tensor, dim: number, index: Tensor, source: Tensor | number): Tensor {
  const at = normalizeDim('scatter', dim, x.shape.length);
  const values = typeof source === 'number' ? expand(cast(x.number(source), x.dtype), index.shape) : source;
  const isLonger = values.shape.length === index.shape.length && !sameShape(values.shape, index.shape);
  const used = isLonger
    ? slice(
        values,
        index.shape.map((end) => ({ end })),
      )
    : values;
  return dispatch('scatter', { x, index, source: used }, { dim: at });
}

/** `x` with the slices of `source` in the places of `dim` that the 1-dim `index` names. */
export function indexCopy(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  const at = normalizeDim('indexCopy', dim, x.shape.length);
  if (index.shape.length !== 1 || !sameShape(source.shape, x.shape.with(at, index.shape[0] as number))) {
    throw argumentError('shape-mismatch', 'indexCopy', 'source is not x with a slice per index', { x, index, source });
  }
  const rows = reshape(
    index,
    x.shape.map((_, d) => (d === at ? -1 : 1)),
  );
  return scatter(x, at, expand(rows, source.shape), source);
}

/**
 * `x[i₀, i₁, …]` for int32 tensors, one for each leading dimension, which broadcast (NumPy's advanced indexing). Negative
 * entries count from the back.
 *
 * @throws TensorError `invalid-argument` for an index outside its dimension, on devices that can look.
 */
export function index(x: Tensor, ...indices: readonly Tensor[]): Tensor {
  const rank = indices.length;
  if (rank === 0 || rank > x.shape.length || indices.some(({ dtype }) => dtype !== 'int32')) {
    throw argumentError('invalid-argument', 'index', `needs 1 to ${x.shape.length} int32 tensors`, { x });
  }
  const places = indices.map((entries, dim) => {
    const size = x.shape[dim] as number;
    const place = where(less(entries, 0), add(entries, size), entries);
    // What is outside its own dimension must not become a place in the whole.
    return where(greaterEqual(place, size), -sizeOf(x.shape) - 1, where(less(place, 0), -sizeOf(x.shape) - 1, place));
  });
  const flat = places.reduce((soFar, place, dim) => add(mul(soFar, x.shape[dim] as number), place));
  return indexSelect(reshape(x, [sizeOf(x.shape.slice(0, rank)), ...x.shape.slice(rank)]), 0, flat);
}

/** A 1 at the place of each class and 0 elsewhere, in a new last dimension; int32. */
export function oneHot(classes: Tensor, numClasses: number): Tensor {
  const all = classes.constant(
    Int32Array.from({ length: numClasses }, (_, i) => i),
    'int32',
  );
  return cast(equal(unsqueeze(classes, -1), all), 'int32');
}

export interface EmbeddingOptions {
  /** An index whose row gets no gradient. */
  readonly paddingIdx?: number | undefined;
}

/**
 * Rows of the table `weight`, `[count, features]`, for an int32 tensor of any shape.
 *
 * Its result has the table's dtype: nothing casts it before the next matmul-like op (AMP.md A4.4).
 */
export function embedding(index: Tensor, weight: Tensor, { paddingIdx }: EmbeddingOptions = {}): Tensor {
  const rows = indexSelect(weight, 0, index);
  if (paddingIdx === undefined) return rows;
  return where(unsqueeze(equal(index, paddingIdx), -1), rows.detach(), rows);
}

/** The mean, sum or maximum of the rows of `weight` that each bag of the int32 `index`, `[bags, size]`, names. */
export function embeddingBag(
  index: Tensor,
  weight: Tensor,
  { mode = 'mean', ...options }: EmbeddingOptions & { readonly mode?: 'mean' | 'sum' | 'max' } = {},
): Tensor {
  const rows = embedding(index, weight, options);
  if (index.shape.length !== 2) throw argumentError('shape-mismatch', 'embeddingBag', 'needs [bags, size]', { index });
  if (mode === 'max') return amax(rows, 1);
  return mode === 'sum' ? sum(rows, 1) : mean(rows, 1);
}
