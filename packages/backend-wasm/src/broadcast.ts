import { stridesOf } from '@halfgrad/core';

/** A loop over the elements of two operands that broadcast, with as few dimensions as they allow. */
export interface BroadcastPlan {
  readonly columns: number;
  /** How many elements an operand moves from one column to the next: 0 or 1. */
  readonly columnStrides: Pair;
  readonly rows: number;
  readonly rowStrides: Pair;
  /** Where the operands start for each repetition of rows × columns, in row-major order. */
  readonly starts: readonly Pair[];
}

/** One number for each operand. */
type Pair = readonly [a: number, b: number];

interface Dim {
  readonly size: number;
  readonly strides: Pair;
}

/** Plans the loop for a result of `shape`, which must have elements. */
export function planBroadcast(
  shape: readonly number[],
  aShape: readonly number[],
  bShape: readonly number[],
): BroadcastPlan {
  const dims = mergedDims(shape, broadcastStrides(aShape, shape), broadcastStrides(bShape, shape));
  const single: Dim = { size: 1, strides: [0, 0] };
  const columns = dims.pop() ?? { size: 1, strides: [1, 1] };
  const rows = dims.pop() ?? single;
  return {
    columns: columns.size,
    columnStrides: columns.strides,
    rows: rows.size,
    rowStrides: rows.strides,
    starts: dims.reduce<readonly Pair[]>(repeat, [[0, 0]]),
  };
}

/** Strides that read a tensor of shape `from` as if it had shape `to`: 0 where it is repeated. */
function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(from);
  const added = to.length - from.length;
  return to.map((_, dim) => (dim < added || from[dim - added] === 1 ? 0 : (own[dim - added] as number)));
}

/** Dimensions of size 1 dropped, neighbours joined where both operands walk through them in one stride. */
function mergedDims(shape: readonly number[], a: readonly number[], b: readonly number[]): Dim[] {
  const merged: Dim[] = [];
  shape.forEach((size, dim) => {
    if (size === 1) return;
    const strides: Pair = [a[dim] as number, b[dim] as number];
    const last = merged.at(-1);
    if (last && last.strides[0] === strides[0] * size && last.strides[1] === strides[1] * size) {
      merged[merged.length - 1] = { size: last.size * size, strides };
    } else merged.push({ size, strides });
  });
  return merged;
}

function repeat(starts: readonly Pair[], { size, strides }: Dim): Pair[] {
  return starts.flatMap(([a, b]) =>
    Array.from({ length: size }, (_, i): Pair => [a + i * strides[0], b + i * strides[1]]),
  );
}
