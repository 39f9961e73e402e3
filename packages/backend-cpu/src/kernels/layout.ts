import { stridesOf } from '@halfgrad/core';

/** Strides that read a tensor of shape `from` as if it had shape `to`: 0 where it is repeated. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(from);
  const added = to.length - from.length;
  return to.map((_, dim) => (dim < added || from[dim - added] === 1 ? 0 : own[dim - added]!));
}

/**
 * A loop over several operands, flattened to rows: operand `k` starts row `r` at `starts[k][r]` and goes on by `steps[k]`.
 */
export interface Loop {
  readonly rows: number;
  readonly length: number;
  readonly starts: readonly Int32Array[];
  readonly steps: readonly number[];
}

/** The loop over `shape` for operands with these strides, with rows as long as the strides allow. */
export function planLoop(shape: readonly number[], strides: readonly (readonly number[])[]): Loop {
  const merged = mergeDims(shape, strides);
  const outer = merged.sizes.slice(0, -1);
  return {
    rows: outer.reduce((product, size) => product * size, 1),
    length: merged.sizes.at(-1) ?? 1,
    starts: merged.strides.map((list) => offsetsOf(outer, list)),
    steps: merged.strides.map((list) => list.at(-1) ?? 0),
  };
}

/** Joins neighbouring dimensions that every operand walks through in one stride, and drops those of size 1. */
function mergeDims(
  shape: readonly number[],
  strides: readonly (readonly number[])[],
): { sizes: number[]; strides: number[][] } {
  const sizes: number[] = [];
  const merged: number[][] = strides.map(() => []);
  shape.forEach((size, dim) => {
    if (size === 1) return;
    const last = sizes.length - 1;
    const joins = last >= 0 && strides.every((list, k) => merged[k]![last] === list[dim]! * size);
    if (joins) {
      sizes[last]! *= size;
      merged.forEach((list, k) => {
        list[last] = strides[k]![dim]!;
      });
    } else {
      sizes.push(size);
      merged.forEach((list, k) => {
        list.push(strides[k]![dim]!);
      });
    }
  });
  return { sizes, strides: merged };
}

/** The offset of every index into `shape`, in row-major order. */
export function offsetsOf(shape: readonly number[], strides: readonly number[]): Int32Array {
  const offsets = new Int32Array(shape.reduce((product, size) => product * size, 1));
  let count = 1;
  shape.forEach((size, dim) => {
    // Backwards, so that each entry is read before it is overwritten.
    for (let i = count - 1; i >= 0; i--) {
      for (let j = size - 1; j >= 0; j--) offsets[i * size + j] = offsets[i]! + j * strides[dim]!;
    }
    count *= size;
  });
  return offsets;
}
