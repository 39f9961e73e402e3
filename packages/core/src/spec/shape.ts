import { TensorError } from './errors.ts';

/** The number of elements. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, dim) => length === b[dim]);
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    strides[dim] = stride;
    stride *= shape[dim] as number;
  }
  return strides;
}

/** NumPy broadcasting: align on the right, then each pair of sizes must be equal or contain a 1; else undefined. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const m = a[i - rank + a.length] ?? 1;
    const n = b[i - rank + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1) return undefined;
    shape[i] = m === 1 ? n : m;
  }
  return shape;
}

/** A dimension counted from the front; negative ones count from the back. */
export function normalizeDim(op: string, dim: number, rank: number): number {
  const bound = Math.max(rank, 1);
  if (!Number.isInteger(dim) || dim < -bound || dim >= bound) {
    throw new TensorError(
      'invalid-argument',
      `${op}: dim ${dim} is out of range for ${rank} dimensions. Use ${-bound} to ${bound - 1}.`,
    );
  }
  return dim < 0 ? dim + bound : dim;
}

/** Dimensions counted from the front, ascending, each once; `undefined` means all of them. */
export function normalizeDims(op: string, dims: number | readonly number[] | undefined, rank: number): number[] {
  if (dims === undefined) return Array.from({ length: rank }, (_, dim) => dim);
  const list = (typeof dims === 'number' ? [dims] : dims).map((dim) => normalizeDim(op, dim, rank));
  const unique = [...new Set(list)];
  if (unique.length < list.length) {
    throw new TensorError('invalid-argument', `${op}: dim ${list.find((d, i) => list.indexOf(d) < i)} appears twice`);
  }
  return rank === 0 ? [] : unique.sort((a, b) => a - b);
}
