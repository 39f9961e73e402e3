import { dispatch } from '../dispatch/layers.ts';
import type { DType } from '../spec/dtype.ts';
import { TensorError } from '../spec/errors.ts';
import { normalizeDim, normalizeDims, sizeOf } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { abs, add, div, exp, log, maximum, pow, sqrt, square, sub, where } from './elementwise.ts';
import { equal, isFinite } from './logical.ts';
import { reshape, squeeze } from './movement.ts';

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

/** The square root of `variance`. */
export function std(x: Tensor, dim?: Dims, options: ReductionOptions & { readonly correction?: number } = {}): Tensor {
  return root(variance(x, dim, options), 2);
}

/** The maximum over `dim`. Its gradient is shared equally between ties, as `torch.amax`'s is. */
export function amax(x: Tensor, dim?: Dims, { keepDim = false }: ReductionOptions = {}): Tensor {
  return dispatch('amax', { x }, { dims: normalizeDims('amax', dim, x.shape.length), keepDim });
}

/** The position of the maximum of `dim` (of all elements if none is given), as int32; the first one wins. */
export function argmax(x: Tensor, dim?: number, { keepDim = false }: ReductionOptions = {}): Tensor {
  if (dim === undefined) return dispatch('argmax', { x: reshape(x, [-1]) }, { dim: 0, keepDim: false });
  return dispatch('argmax', { x }, { dim: normalizeDim('argmax', dim, x.shape.length), keepDim });
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
  const dims = normalizeDims('logsumexp', dim, x.shape.length);
  const highest = amax(x.detach(), dims, { keepDim: true });
  // An infinite maximum would make x − max a NaN; 0 leaves exp and log to give the right infinity.
  const shift = where(isFinite(highest), highest, 0);
  const result = add(log(sum(exp(sub(x, shift)), dims, { keepDim: true })), shift);
  return keepDim ? result : squeeze(result, dims);
}

/** The p-norm over `dim`, `(Σ |x|ᵖ)^(1/p)`; `p` may be `Infinity` (`torch.linalg.vector_norm`). */
export function norm(x: Tensor, p = 2, dim?: Dims, options: ReductionOptions = {}): Tensor {
  if (!(p > 0)) throw new TensorError('invalid-argument', `norm: p is ${p}. Use a positive number or Infinity.`);
  if (p === Number.POSITIVE_INFINITY) return amax(abs(x), dim, options);
  if (p === 1) return sum(abs(x), dim, options);
  return root(sum(p === 2 ? square(x) : pow(abs(x), p), dim, options), p);
}

/** The p-th root of what is not negative. Where that is 0 its gradient is 0, as in PyTorch, and not the NaN of ∞ · 0. */
function root(powers: Tensor, p: number): Tensor {
  const isZero = equal(powers, 0);
  const nonZero = where(isZero, 1, powers);
  return where(isZero, 0, p === 2 ? sqrt(nonZero) : pow(nonZero, 1 / p));
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
