import type { DType } from '../spec/dtype.ts';
import { decodeValues, type HostData, type Values } from '../spec/host-data.ts';
import { sizeOf, stridesOf } from '../spec/shape.ts';
import type { TensorSpec } from '../spec/spec.ts';

export type NestedArray = number | boolean | readonly NestedArray[];

/** Flat elements as nested arrays of the given shape. */
export function nest(values: Values, shape: readonly number[], dtype: DType): NestedArray {
  const strides = stridesOf(shape);
  const read = (at: number): number | boolean => (dtype === 'bool' ? values[at] === 1 : (values[at] as number));
  const build = (dim: number, at: number): NestedArray =>
    dim === shape.length
      ? read(at)
      : Array.from({ length: shape[dim] as number }, (_, i) => build(dim + 1, at + i * (strides[dim] as number)));
  return build(0, 0);
}

/** Longer tensors show only the first and last entries of each dimension. */
const maxElements = 200;
const edge = 3;
const significantDigits = 5;

/** `tensor([[1, 2], …], dtype=float16)`; without data, the shape stands for it. */
export function formatTensor({ shape, dtype }: TensorSpec, data: HostData | undefined): string {
  const suffix = dtype === 'float32' ? '' : `, dtype=${dtype}`;
  if (!data) return `tensor(…, shape=[${shape.join(', ')}]${suffix})`;
  if (sizeOf(shape) === 0) return `tensor([], shape=[${shape.join(', ')}]${suffix})`;
  const shown = positions(shape);
  const values = decodeValues(data, dtype);
  const cells = new Map(shown.flat.map((at) => [at, formatNumber(values[at] as number, dtype)]));
  const width = Math.max(...Array.from(cells.values(), (cell) => cell.length));
  const strides = stridesOf(shape);

  const render = (dim: number, at: number, indent: number): string => {
    if (dim === shape.length) return (cells.get(at) as string).padStart(width);
    const parts = (shown.perDim[dim] as readonly (number | undefined)[]).map((i) =>
      i === undefined ? '…' : render(dim + 1, at + i * (strides[dim] as number), indent + 1),
    );
    const blankLines = shape.length - dim - 2;
    const separator =
      dim === shape.length - 1 ? ', ' : `,\n${'\n'.repeat(Math.max(blankLines, 0))}${' '.repeat(indent + 1)}`;
    return `[${parts.join(separator)}]`;
  };
  return `tensor(${render(0, 0, 'tensor('.length).trim()}${suffix})`;
}

/** Which indices of each dimension are shown (undefined stands for an ellipsis), and the flat positions they reach. */
function positions(shape: readonly number[]): {
  readonly perDim: readonly (readonly (number | undefined)[])[];
  readonly flat: readonly number[];
} {
  const elide = sizeOf(shape) > maxElements;
  const perDim = shape.map((size) => {
    const all = Array.from({ length: Math.min(size, elide ? 2 * edge : size) }, (_, i) => i);
    if (!elide || size <= 2 * edge) return all;
    return [...all.slice(0, edge), undefined, ...all.slice(0, edge).map((i) => size - edge + i)];
  });
  const strides = stridesOf(shape);
  const flat = perDim.reduce<number[]>(
    (found, indices, dim) =>
      found.flatMap((at) => indices.flatMap((i) => (i === undefined ? [] : at + i * (strides[dim] as number)))),
    [0],
  );
  return { perDim, flat };
}

function formatNumber(x: number, dtype: DType): string {
  if (dtype === 'bool') return x ? 'true' : 'false';
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  if (Number.isInteger(x) && Math.abs(x) < 1e7) return Object.is(x, -0) ? '-0' : String(x);
  const magnitude = Math.abs(x);
  return magnitude >= 1e-4 && magnitude < 1e7
    ? String(Number(x.toPrecision(significantDigits)))
    : x.toExponential(significantDigits - 1);
}
