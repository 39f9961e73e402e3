import { dispatch } from '../dispatch/layers.ts';
import { argumentError } from '../spec/errors.ts';
import { normalizeDim } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add } from './elementwise.ts';

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

/**
 * Rows of the table `weight`, `[count, features]`, for an int32 tensor of any shape.
 *
 * Its result has the table's dtype: nothing casts it before the next matmul-like op (AMP.md A4.4).
 */
export function embedding(index: Tensor, weight: Tensor): Tensor {
  return indexSelect(weight, 0, index);
}
