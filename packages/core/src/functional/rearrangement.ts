import { dispatch } from '../dispatch/layers.ts';
import { argumentError, TensorError } from '../spec/errors.ts';
import { normalizeDim, normalizeDims, sizeOf } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type PerDim, perDim } from './contraction.ts';
import { where } from './elementwise.ts';
import { indexSelect } from './indexing.ts';
import { concat, expand, narrow, permute, reshape, slice, unsqueeze } from './movement.ts';
import { pad } from './padding.ts';

/** Dimensions `source` moved to the places `destination`; the others keep their order. */
export function movedim(
  x: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  const rank = x.shape.length;
  const list = (dims: number | readonly number[]): number[] => {
    const found = [dims].flat().map((dim) => normalizeDim('movedim', dim, rank));
    normalizeDims('movedim', found, rank);
    return found;
  };
  const [from, to] = [list(source), list(destination)];
  if (from.length !== to.length) {
    throw argumentError('invalid-argument', 'movedim', `${from.length} dims cannot go to ${to.length} places`, { x });
  }
  const rest = x.shape.flatMap((_, dim) => (from.includes(dim) ? [] : [dim]));
  return permute(
    x,
    x.shape.map((_, place) => (to.includes(place) ? (from[to.indexOf(place)] as number) : (rest.shift() as number))),
  );
}

/** The whole tensor, `times` times along each dimension; with more numbers than dimensions it gets leading ones. */
export function repeat(x: Tensor, times: readonly number[]): Tensor {
  const added = times.length - x.shape.length;
  if (added < 0 || !times.every((n) => Number.isInteger(n) && n >= 0)) {
    throw argumentError('invalid-argument', 'repeat', `[${times.join(',')}] is not a count per dimension`, { x });
  }
  const shape = [...new Array<number>(added).fill(1), ...x.shape];
  const apart = reshape(
    x,
    shape.flatMap((size) => [1, size]),
  );
  const repeated = expand(
    apart,
    shape.flatMap((size, dim) => [times[dim] as number, size]),
  );
  return reshape(
    repeated,
    shape.map((size, dim) => size * (times[dim] as number)),
  );
}

/** `repeat`, with 1 for the leading dimensions that are not named (`torch.tile`). */
export function tile(x: Tensor, times: readonly number[]): Tensor {
  return repeat(x, [...new Array<number>(Math.max(x.shape.length - times.length, 0)).fill(1), ...times]);
}

/** Each position of `dim`, `times` times in a row. */
export function repeatInterleave(x: Tensor, times: number, dim: number): Tensor {
  const at = normalizeDim('repeatInterleave', dim, x.shape.length);
  if (!(Number.isInteger(times) && times >= 0)) {
    throw argumentError('invalid-argument', 'repeatInterleave', `${times} is not a count`, { x });
  }
  const repeated = expand(unsqueeze(x, at + 1), x.shape.toSpliced(at + 1, 0, times));
  return reshape(repeated, x.shape.with(at, (x.shape[at] as number) * times));
}

/** Elements moved along `dims`, those that leave at the end coming back at the start; all dimensions as one by default. */
export function roll(x: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
  if (dims === undefined) {
    return reshape(roll(reshape(x, [-1]), shifts, 0), x.shape);
  }
  const [amounts, places] = [[shifts].flat(), [dims].flat()];
  if (amounts.length !== places.length || !amounts.every(Number.isInteger)) {
    throw argumentError('invalid-argument', 'roll', `[${amounts.join(',')}] is not a shift for each dim`, { x });
  }
  return places.reduce((rolled, dim, i) => {
    const at = normalizeDim('roll', dim, x.shape.length);
    const size = x.shape[at] ?? 1;
    const start = size === 0 ? 0 : (((size - (amounts[i] as number)) % size) + size) % size;
    if (start === 0) return rolled;
    return concat([narrow(rolled, at, start, size - start), narrow(rolled, at, 0, start)], at);
  }, x);
}

/** The lower triangle of the last two dimensions, up to `diagonal` above the main one; 0 elsewhere. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return where(
    band('tril', x, (row, column) => column - row <= diagonal),
    x,
    0,
  );
}

/** The upper triangle of the last two dimensions, from `diagonal` above the main one; 0 elsewhere. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return where(
    band('triu', x, (row, column) => column - row >= diagonal),
    x,
    0,
  );
}

function band(op: string, x: Tensor, holds: (row: number, column: number) => boolean): Tensor {
  if (x.shape.length < 2) throw argumentError('shape-mismatch', op, 'needs at least 2 dimensions', { x });
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const mask = Uint8Array.from({ length: rows * columns }, (_, i) =>
    holds(Math.floor(i / columns), i % columns) ? 1 : 0,
  );
  return x.constant(mask, 'bool', [rows, columns]);
}

/** The elements with equal positions in `dim0` and `dim1`, which become one dimension at the end. */
export function diagonal(
  x: Tensor,
  { offset = 0, dim0 = 0, dim1 = 1 }: { offset?: number; dim0?: number; dim1?: number } = {},
): Tensor {
  const rank = x.shape.length;
  const [first, second] = [normalizeDim('diagonal', dim0, rank), normalizeDim('diagonal', dim1, rank)];
  if (first === second || rank < 2) {
    throw argumentError('invalid-argument', 'diagonal', `dims ${dim0} and ${dim1} are not two dimensions`, { x });
  }
  const rest = x.shape.flatMap((_, dim) => (dim === first || dim === second ? [] : [dim]));
  const moved = permute(x, [...rest, first, second]);
  const [rows, columns] = moved.shape.slice(-2) as [number, number];
  const start = offset >= 0 ? offset : -offset * columns;
  const count = Math.max(Math.min(rows + Math.min(offset, 0), columns - Math.max(offset, 0)), 0);
  const leading = moved.shape.slice(0, -2);
  const flat = reshape(moved, [...leading, rows * columns]);
  const last = { start, end: count === 0 ? start : start + (count - 1) * (columns + 1) + 1, step: columns + 1 };
  return slice(flat, [...leading.map(() => ({})), last]);
}

/** `[…, C·r², H, W]` as `[…, C, H·r, W·r]`: channels become pixels (Shi et al., 2016). */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  const [channels, height, width] = imageOf('pixelShuffle', x, factor);
  const left = channels / factor ** 2;
  if (!Number.isInteger(left)) throw indivisible('pixelShuffle', x, factor);
  const leading = x.shape.slice(0, -3);
  const apart = reshape(x, [-1, left, factor, factor, height, width]);
  return reshape(permute(apart, [0, 1, 4, 2, 5, 3]), [...leading, left, height * factor, width * factor]);
}

/** `[…, C, H·r, W·r]` as `[…, C·r², H, W]`, which undoes `pixelShuffle`. */
export function pixelUnshuffle(x: Tensor, factor: number): Tensor {
  const [channels, height, width] = imageOf('pixelUnshuffle', x, factor);
  const [rows, columns] = [height / factor, width / factor];
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) throw indivisible('pixelUnshuffle', x, factor);
  const leading = x.shape.slice(0, -3);
  const apart = reshape(x, [-1, channels, rows, factor, columns, factor]);
  return reshape(permute(apart, [0, 1, 3, 5, 2, 4]), [...leading, channels * factor ** 2, rows, columns]);
}

function imageOf(op: string, x: Tensor, factor: number): [channels: number, height: number, width: number] {
  if (x.shape.length < 3) throw argumentError('shape-mismatch', op, 'needs at least 3 dimensions', { x });
  if (!(Number.isInteger(factor) && factor > 0)) {
    throw argumentError('invalid-argument', op, `the factor ${factor} is not a positive integer`, { x });
  }
  return x.shape.slice(-3) as [number, number, number];
}

function indivisible(op: string, x: Tensor, factor: number): Error {
  return argumentError('shape-mismatch', op, `the factor ${factor} does not divide x`, { x });
}

export interface UnfoldOptions {
  readonly dilation?: PerDim;
  readonly padding?: PerDim;
  readonly stride?: PerDim;
}

/**
 * The windows of `[N, C, H, W]` that a convolution would see, as columns: `[N, C·KH·KW, L]`
 * (`torch.nn.functional.unfold`).
 */
export function unfold(x: Tensor, kernelSize: PerDim, options: UnfoldOptions = {}): Tensor {
  if (x.shape.length !== 4) throw argumentError('shape-mismatch', 'unfold', 'needs 4 dimensions', { x });
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const { kernel, padding, windows } = slidingWindows('unfold', [height, width], kernelSize, options);
  const padded = pad(x, [padding[1], padding[1], padding[0], padding[0]]);
  const rows = indexSelect(padded, 2, windowPositions(x, windows[0]));
  const both = indexSelect(rows, 4, windowPositions(x, windows[1]));
  return reshape(permute(both, [0, 1, 2, 4, 3, 5]), [
    batch,
    channels * sizeOf(kernel),
    windows[0].count * windows[1].count,
  ]);
}

/** Columns `[N, C·KH·KW, L]` added up where they came from: `[N, C, H, W]`, the transpose of `unfold`. */
export function fold(x: Tensor, outputSize: PerDim, kernelSize: PerDim, options: UnfoldOptions = {}): Tensor {
  const size = perDim('fold', outputSize, 2) as [number, number];
  const { kernel, padding, windows } = slidingWindows('fold', size, kernelSize, options);
  const positions = windows[0].count * windows[1].count;
  const channels = (x.shape[1] ?? 0) / sizeOf(kernel);
  if (x.shape.length !== 3 || x.shape[2] !== positions || !Number.isInteger(channels)) {
    throw argumentError('shape-mismatch', 'fold', `x should be [N, C·${sizeOf(kernel)}, ${positions}]`, { x });
  }
  const apart = reshape(x, [x.shape[0] as number, channels, ...kernel, windows[0].count, windows[1].count]);
  const source = permute(apart, [0, 1, 2, 4, 3, 5]);
  const [height, width] = [size[0] + 2 * padding[0], size[1] + 2 * padding[1]];
  const rows = dispatch('indexAdd', { index: windowPositions(x, windows[1]), source }, { dim: 4, size: width });
  const both = dispatch('indexAdd', { index: windowPositions(x, windows[0]), source: rows }, { dim: 2, size: height });
  return pad(both, [-padding[1], -padding[1], -padding[0], -padding[0]]);
}

interface SlidingWindow {
  readonly kernel: number;
  readonly dilation: number;
  readonly stride: number;
  readonly count: number;
}

interface SlidingWindows {
  readonly kernel: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly windows: readonly [SlidingWindow, SlidingWindow];
}

function slidingWindows(
  op: string,
  size: readonly [number, number],
  kernelSize: PerDim,
  { dilation = 1, padding = 0, stride = 1 }: UnfoldOptions,
): SlidingWindows {
  const both = (value: PerDim): [number, number] => perDim(op, value, 2) as [number, number];
  const [kernels, dilations, paddings, strides] = [both(kernelSize), both(dilation), both(padding), both(stride)];
  const windowOf = (dim: 0 | 1): SlidingWindow => {
    const window = { kernel: kernels[dim], dilation: dilations[dim], stride: strides[dim] };
    const reach = window.dilation * (window.kernel - 1) + 1;
    const count = Math.floor((size[dim] + 2 * paddings[dim] - reach) / window.stride) + 1;
    if (!(Math.min(...Object.values(window)) >= 1 && paddings[dim] >= 0 && count >= 1)) {
      const { kernel, dilation, stride } = window;
      throw new TensorError(
        'invalid-argument',
        `${op}: kernel ${kernel}, dilation ${dilation}, stride ${stride}, padding ${paddings[dim]}: no window fits ${size[dim]} elements`,
      );
    }
    return { ...window, count };
  };
  return { kernel: kernels, padding: paddings, windows: [windowOf(0), windowOf(1)] };
}

/** For each kernel element and each window the position that it sees. */
function windowPositions(x: Tensor, { kernel, dilation, stride, count }: SlidingWindow): Tensor {
  const positions = Int32Array.from(
    { length: kernel * count },
    (_, i) => Math.floor(i / count) * dilation + (i % count) * stride,
  );
  return x.constant(positions, 'int32', [kernel, count]);
}
