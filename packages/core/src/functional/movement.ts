import { dispatch } from '../dispatch/layers.ts';
import type { DimSlice } from '../ops/signatures.ts';
import { TensorError } from '../spec/errors.ts';
import { normalizeDim, normalizeDims, sameShape, sizeOf } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** The same elements in another shape; one size may be −1 and is then inferred. Shares memory. */
export function reshape(x: Tensor, shape: readonly number[]): Tensor {
  const open = shape.indexOf(-1);
  if (open < 0) return dispatch('reshape', { x }, { shape });
  const known = sizeOf(shape.filter((_, dim) => dim !== open));
  const inferred = known === 0 ? 0 : sizeOf(x.shape) / known;
  return dispatch('reshape', { x }, { shape: shape.map((size, dim) => (dim === open ? inferred : size)) });
}

/** Dimensions `startDim` to `endDim` as one (`torch.flatten`). */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  const rank = x.shape.length;
  const [start, end] = [normalizeDim('flatten', startDim, rank), normalizeDim('flatten', endDim, rank)];
  if (start > end) throw new TensorError('invalid-argument', `flatten: dim ${startDim} comes after dim ${endDim}`);
  return reshape(x, [...x.shape.slice(0, start), sizeOf(x.shape.slice(start, end + 1)), ...x.shape.slice(end + 1)]);
}

/** A new dimension of size 1 at `dim`. */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  const at = normalizeDim('unsqueeze', dim, x.shape.length + 1);
  return reshape(x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
}

/** Without the dimensions of size 1, or only without those named. */
export function squeeze(x: Tensor, dim?: number | readonly number[]): Tensor {
  const dims = normalizeDims('squeeze', dim, x.shape.length);
  return reshape(
    x,
    x.shape.filter((size, d) => size !== 1 || !dims.includes(d)),
  );
}

/**
 * The dimensions in another order: dimension `i` of the result is dimension `dims[i]` of `x`. The same tensor if that is
 * the order they have.
 */
export function permute(x: Tensor, dims: readonly number[]): Tensor {
  const order = dims.map((dim) => normalizeDim('permute', dim, x.shape.length));
  const isIdentity = order.length === x.shape.length && order.every((dim, i) => dim === i);
  return isIdentity ? x : dispatch('permute', { x }, { dims: order });
}

/** Two dimensions swapped; by default the last two. */
export function transpose(x: Tensor, dim0 = -2, dim1 = -1): Tensor {
  const rank = x.shape.length;
  const [a, b] = [normalizeDim('transpose', dim0, rank), normalizeDim('transpose', dim1, rank)];
  return permute(
    x,
    x.shape.map((_, dim) => (dim === a ? b : dim === b ? a : dim)),
  );
}

/** Repeats dimensions of size 1, and adds leading ones, up to `shape`; −1 keeps a size. The same tensor if it has it. */
export function expand(x: Tensor, shape: readonly number[]): Tensor {
  const added = shape.length - x.shape.length;
  const target = shape.map((size, dim) => (size === -1 ? (x.shape[dim - added] ?? -1) : size));
  return sameShape(target, x.shape) ? x : dispatch('expand', { x }, { shape: target });
}

/** A range of one dimension: `[start, end)` in steps; negative bounds count from the back, as in Python. */
export type SliceRange = { readonly start?: number; readonly end?: number; readonly step?: number };

/** `x[r₀, r₁, …]`: a range per leading dimension, as Python slices; the remaining dimensions are taken whole. */
export function slice(x: Tensor, ranges: readonly SliceRange[]): Tensor {
  if (ranges.length > x.shape.length) {
    throw new TensorError('invalid-argument', `slice: ${ranges.length} ranges for ${x.shape.length} dimensions`);
  }
  const slices = x.shape.map((size, dim): DimSlice => {
    const { start = 0, end = size, step = 1 } = ranges[dim] ?? {};
    const bound = (n: number): number => Math.min(Math.max(n < 0 ? n + size : n, 0), size);
    return { start: bound(start), end: Math.max(bound(start), bound(end)), step };
  });
  return dispatch('slice', { x }, { slices });
}

/** `length` positions of `dim`, beginning with `start` (`torch.narrow`). */
export function narrow(x: Tensor, dim: number, start: number, length: number): Tensor {
  const at = normalizeDim('narrow', dim, x.shape.length);
  if (start < 0 || start + length > (x.shape[at] as number)) {
    throw new TensorError(
      'invalid-argument',
      `narrow: ${start} to ${start + length} is outside dim ${dim} of size ${x.shape[at]}`,
    );
  }
  return slice(
    x,
    x.shape.map((_, d) => (d === at ? { start, end: start + length } : {})),
  );
}

/** One position of `dim`, which disappears (`torch.select`). */
export function select(x: Tensor, dim: number, index: number): Tensor {
  const at = normalizeDim('select', dim, x.shape.length);
  return squeeze(narrow(x, at, index < 0 ? index + (x.shape[at] as number) : index, 1), at);
}

/** Pieces of `size` along `dim`, or of the sizes listed (`torch.split`). */
export function split(x: Tensor, size: number | readonly number[], dim = 0): Tensor[] {
  const total = x.shape[normalizeDim('split', dim, x.shape.length)] as number;
  const sizes =
    typeof size === 'number'
      ? Array.from({ length: Math.ceil(total / size) }, (_, i) => Math.min(size, total - i * size))
      : size;
  if (sizes.reduce((a, b) => a + b, 0) !== total) {
    throw new TensorError('invalid-argument', `split: sizes [${sizes.join(',')}] do not add up to ${total}`);
  }
  let start = 0;
  return sizes.map((length) => {
    start += length;
    return narrow(x, dim, start - length, length);
  });
}

/** `chunks` pieces of nearly equal size along `dim` (`torch.chunk`). */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  const total = x.shape[normalizeDim('chunk', dim, x.shape.length)] as number;
  return split(x, Math.max(Math.ceil(total / chunks), 1), dim);
}

/** Tensors joined along an existing dimension; dtypes promote (`torch.cat`). */
export function concat(tensors: readonly Tensor[], dim = 0): Tensor {
  const rank = tensors[0]?.shape.length ?? 0;
  return dispatch('concat', { tensors }, { dim: normalizeDim('concat', dim, rank) });
}

/** Tensors joined along a new dimension. */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  const rank = (tensors[0]?.shape.length ?? 0) + 1;
  const at = normalizeDim('stack', dim, rank);
  return concat(
    tensors.map((tensor) => unsqueeze(tensor, at)),
    at,
  );
}

/** The order of the elements reversed along `dims`. */
export function flip(x: Tensor, dims: number | readonly number[]): Tensor {
  return dispatch('flip', { x }, { dims: normalizeDims('flip', dims, x.shape.length) });
}
