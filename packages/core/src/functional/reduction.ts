import { dispatch } from '../dispatch/layers.ts';
import type { DType } from '../spec/dtype.ts';
import { argumentError } from '../spec/errors.ts';
import { broadcastShapes, normalizeDim, normalizeDims, sizeOf } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { cast, div, maximum } from './elementwise.ts';
import { logicalNot } from './logical.ts';
import { expand, reshape } from './movement.ts';

/** One dimension, several, or all of them. */
export type Dims = number | readonly number[] | undefined;

export interface ReductionOptions {
  /** Keeps reduced dimensions as size 1. */
  readonly keepDim?: boolean;
}

export interface DTypeOption {
  /** The dtype of the result and of the arithmetic; autocast never overrides it (AMP.md A6.3). */
  readonly dtype?: DType | undefined;
}

/** The sum over `dim`. Accumulates in at least float32 whatever the dtype (AMP.md D3.6). */
export function sum(x: Tensor, dim?: Dims, { keepDim = false, dtype }: ReductionOptions & DTypeOption = {}): Tensor {
  return dispatch('sum', { x }, { dims: normalizeDims('sum', dim, x.shape.length), keepDim, dtype });
}

/** The mean over `dim`; divides before it rounds, so float16 means of large values do not overflow (AMP.md D3.6). */
export function mean(x: Tensor, dim?: Dims, { keepDim = false }: ReductionOptions = {}): Tensor {
  return dispatch('mean', { x }, { dims: normalizeDims('mean', dim, x.shape.length), keepDim });
}

/** The variance over `dim`, dividing by `n − correction` (`torch.var`). */
export function variance(
  x: Tensor,
  dim?: Dims,
  { keepDim = false, correction = 1 }: ReductionOptions & { readonly correction?: number } = {},
): Tensor {
  return dispatch('variance', { x }, { dims: normalizeDims('variance', dim, x.shape.length), keepDim, correction });
}

/** The square root of the variance, also where that is beyond the dtype (`torch.std`). Its gradient is 0 where it is 0. */
export function std(
  x: Tensor,
  dim?: Dims,
  { keepDim = false, correction = 1 }: ReductionOptions & { readonly correction?: number } = {},
): Tensor {
  return dispatch('std', { x }, { dims: normalizeDims('std', dim, x.shape.length), keepDim, correction });
}

/** The product over `dim`. Integers and bools give int32. */
export function prod(x: Tensor, dim?: Dims, { keepDim = false, dtype }: ReductionOptions & DTypeOption = {}): Tensor {
  return dispatch('prod', { x }, { dims: normalizeDims('prod', dim, x.shape.length), keepDim, dtype });
}

/** Whether any element along `dim` is not zero. */
export function any(x: Tensor, dim?: Dims, { keepDim = false }: ReductionOptions = {}): Tensor {
  return sum(cast(x, 'bool'), dim, { keepDim, dtype: 'bool' });
}

/** Whether no element along `dim` is zero. */
export function all(x: Tensor, dim?: Dims, options: ReductionOptions = {}): Tensor {
  return logicalNot(any(logicalNot(x), dim, options));
}

/** The running sum along `dim`. */
export function cumsum(x: Tensor, dim: number, { dtype }: DTypeOption = {}): Tensor {
  return dispatch('cumsum', { x }, { dim: normalizeDim('cumsum', dim, x.shape.length), dtype });
}

/** The running product along `dim`. */
export function cumprod(x: Tensor, dim: number, { dtype }: DTypeOption = {}): Tensor {
  return dispatch('cumprod', { x }, { dim: normalizeDim('cumprod', dim, x.shape.length), dtype });
}

/** The maximum over `dim`. Its gradient is shared equally between ties, as `torch.amax`'s is. */
export function amax(x: Tensor, dim?: Dims, { keepDim = false }: ReductionOptions = {}): Tensor {
  return dispatch('amax', { x }, { dims: normalizeDims('amax', dim, x.shape.length), keepDim });
}

/** The minimum over `dim`. Its gradient is shared equally between ties, as `torch.amin`'s is. */
export function amin(x: Tensor, dim?: Dims, { keepDim = false }: ReductionOptions = {}): Tensor {
  return dispatch('amin', { x }, { dims: normalizeDims('amin', dim, x.shape.length), keepDim });
}

/** The position of the maximum of `dim` (of all elements if none is given), as int32; the first one wins. */
export function argmax(x: Tensor, dim?: number, options?: ReductionOptions): Tensor {
  return extremumPosition('argmax', x, dim, options);
}

/** The position of the minimum of `dim` (of all elements if none is given), as int32; the first one wins. */
export function argmin(x: Tensor, dim?: number, options?: ReductionOptions): Tensor {
  return extremumPosition('argmin', x, dim, options);
}

function extremumPosition(
  op: 'argmax' | 'argmin',
  x: Tensor,
  dim: number | undefined,
  { keepDim = false }: ReductionOptions = {},
): Tensor {
  if (dim === undefined) return dispatch(op, { x: reshape(x, [-1]) }, { dim: 0, keepDim: false });
  return dispatch(op, { x }, { dim: normalizeDim(op, dim, x.shape.length), keepDim });
}

/** `exp(x − max) / Σ exp(x − max)` along `dim`: subtracting the maximum keeps every exponential at most 1. */
export function softmax(x: Tensor, dim: number, { dtype }: DTypeOption = {}): Tensor {
  return dispatch('softmax', { x }, { dim: normalizeDim('softmax', dim, x.shape.length), dtype });
}

/** `x − max − log Σ exp(x − max)` along `dim`: finite where `log(softmax(x))` has underflowed. */
export function logSoftmax(x: Tensor, dim: number, { dtype }: DTypeOption = {}): Tensor {
  return dispatch('logSoftmax', { x }, { dim: normalizeDim('logSoftmax', dim, x.shape.length), dtype });
}

/** `log Σ eˣ` over `dim`, without overflow. */
export function logsumexp(x: Tensor, dim?: Dims, { keepDim = false }: ReductionOptions = {}): Tensor {
  return dispatch('logsumexp', { x }, { dims: normalizeDims('logsumexp', dim, x.shape.length), keepDim });
}

/**
 * The p-norm over `dim`, `(Σ |x|ᵖ)^(1/p)`; `p` may be `Infinity` (`torch.linalg.vector_norm`). The powers are summed in at
 * least float32. Where the norm is 0 its gradient is 0.
 */
export function norm(
  x: Tensor,
  p = 2,
  dim?: Dims,
  { keepDim = false, dtype }: ReductionOptions & DTypeOption = {},
): Tensor {
  return dispatch('norm', { x }, { p, dims: normalizeDims('norm', dim, x.shape.length), keepDim, dtype });
}

/** The p-norm of `a − b`. */
export function dist(a: Tensor, b: Tensor, { p = 2 }: { p?: number } = {}): Tensor {
  return dispatch('dist', { a, b }, { p });
}

/** The p-norm of the difference of every row of `a`, `[…, P, M]`, to every row of `b`, `[…, R, M]`: `[…, P, R]`. */
export function cdist(a: Tensor, b: Tensor, { p = 2 }: { p?: number } = {}): Tensor {
  return dispatch('cdist', { a, b }, { p });
}

/** `a · b / (max(‖a‖, ε) · max(‖b‖, ε))` along `dim`; shapes broadcast. */
export function cosineSimilarity(
  a: Tensor,
  b: Tensor,
  { dim = 1, eps = 1e-8 }: { dim?: number; eps?: number } = {},
): Tensor {
  const shape = broadcastShapes(a.shape, b.shape);
  if (!shape) throw argumentError('shape-mismatch', 'cosineSimilarity', 'shapes do not broadcast', { a, b });
  const at = normalizeDim('cosineSimilarity', dim, shape.length);
  return dispatch('cosineSimilarity', { a: expand(a, shape), b: expand(b, shape) }, { dim: at, eps });
}

/** `x / max(‖x‖ₚ, ε)` along `dim` (`torch.nn.functional.normalize`). */
export function normalize(
  x: Tensor,
  { p = 2, dim = 1, eps = 1e-12 }: { p?: number; dim?: number; eps?: number } = {},
): Tensor {
  return div(x, maximum(norm(x, p, dim, { keepDim: true }), eps));
}

/** The number of elements that a reduction over `dims` combines. */
export function reducedCount(shape: readonly number[], dims: readonly number[]): number {
  return sizeOf(dims.map((dim) => shape[dim] as number));
}
