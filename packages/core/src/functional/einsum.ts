import { dispatch } from '../dispatch/layers.ts';
import { planEinsum } from '../ops/einsum-equation.ts';
import { sizeOf } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { mul } from './elementwise.ts';
import { expand, permute, reshape, slice } from './movement.ts';
import { sum } from './reduction.ts';

/** A tensor whose dimensions have names. */
interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

/**
 * Sums of products along named dimensions (`torch.einsum`): `einsum('bij,bjk->bik', a, b)`.
 *
 * Operands are contracted from left to right, each pair as one matrix product. Autocast runs it in 16 bit (AMP.md A2).
 */
export function einsum(equation: string, ...tensors: readonly Tensor[]): Tensor {
  return dispatch('einsum', { tensors }, { equation });
}

/** @internal What `einsum` does, in terms of other ops. */
export function decomposeEinsum(tensors: readonly Tensor[], equation: string): Tensor {
  const { operands, output, sizes } = planEinsum(equation, tensors);
  const [first, ...rest] = tensors.map((x, i) => diagonal({ x, labels: operands[i] as readonly string[] })) as [
    Labelled,
    ...Labelled[],
  ];
  const result = rest.reduce((soFar, next, i) => {
    const later = new Set([...output, ...operands.slice(i + 2).flat()]);
    return contract(reach(soFar, next, sizes), reach(next, soFar, sizes), later);
  }, first);
  return ordered(summed(result, new Set(output)), output);
}

/** Reads dimensions with one name together: `ii` becomes `i`. */
function diagonal({ x, labels }: Labelled): Labelled {
  const second = labels.findIndex((label, dim) => labels.indexOf(label) < dim);
  if (second < 0) return { x, labels };
  const label = labels[second] as string;
  const others = labels.filter((_, dim) => dim !== second && dim !== labels.indexOf(label));
  const order = labels.flatMap((_, dim) => (dim !== second && dim !== labels.indexOf(label) ? [dim] : []));
  const moved = permute(x, [...order, labels.indexOf(label), second]);
  const [rows, columns] = moved.shape.slice(-2) as [number, number];
  const leading = moved.shape.slice(0, -2);
  // Every (columns + 1)-th element of a matrix that has as many columns as rows; a size of 1 broadcasts.
  const square =
    rows === columns ? moved : expand(moved, [...leading, Math.max(rows, columns), Math.max(rows, columns)]);
  const size = square.shape.at(-1) as number;
  const flat = reshape(square, [...leading, size * size]);
  const picked = slice(flat, [...leading.map(() => ({})), { step: size + 1 }]);
  return diagonal({ x: picked, labels: [...others, label] });
}

/** `operand` with the dimensions that `other` has too at their full size. */
function reach({ x, labels }: Labelled, other: Labelled, sizes: ReadonlyMap<string, number>): Labelled {
  const shape = labels.map((label, dim) =>
    other.labels.includes(label) ? (sizes.get(label) as number) : (x.shape[dim] as number),
  );
  return { x: expand(x, shape), labels };
}

/** Without the dimensions that nobody needs any more. */
function summed({ x, labels }: Labelled, needed: ReadonlySet<string>): Labelled {
  const dims = labels.flatMap((label, dim) => (needed.has(label) ? [] : [dim]));
  if (dims.length === 0) return { x, labels };
  return { x: sum(x, dims, { dtype: x.dtype }), labels: labels.filter((label) => needed.has(label)) };
}

function ordered({ x, labels }: Labelled, order: readonly string[]): Tensor {
  return permute(
    x,
    order.map((label) => labels.indexOf(label)),
  );
}

/** One product of two operands, summed over the dimensions that both have and nobody needs later. */
function contract(left: Labelled, right: Labelled, later: ReadonlySet<string>): Labelled {
  const a = summed(left, new Set([...later, ...right.labels]));
  const b = summed(right, new Set([...later, ...left.labels]));
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => later.has(label));
  const inner = shared.filter((label) => !later.has(label));
  const [rows, columns] = [a, b].map(({ labels }) => labels.filter((label) => !shared.includes(label))) as [
    string[],
    string[],
  ];
  const labels = [...batch, ...rows, ...columns];
  const shape = labels.map((label) => sizeAlong(a, label) ?? (sizeAlong(b, label) as number));
  if (inner.length === 0) {
    const x = mul(aligned(a, batch, rows, columns.length), aligned(b, batch, columns, 0, rows.length));
    return { x, labels };
  }
  const [left2, transposeA] = matrices(a, batch, rows, inner);
  const [right2, transposed] = matrices(b, batch, columns, inner);
  const product = dispatch('matmul', { a: left2, b: right2 }, { transposeA, transposeB: !transposed });
  return { x: reshape(product, shape), labels };
}

function sizeAlong({ x, labels }: Labelled, label: string): number | undefined {
  const dim = labels.indexOf(label);
  return dim < 0 ? undefined : x.shape[dim];
}

/** Batch dimensions, then free ones, with dimensions of size 1 in the places of the other operand's. */
function aligned(
  operand: Labelled,
  batch: readonly string[],
  free: readonly string[],
  after: number,
  before = 0,
): Tensor {
  const x = ordered(operand, [...batch, ...free]);
  const ones = (count: number): number[] => new Array<number>(count).fill(1);
  return reshape(x, [
    ...x.shape.slice(0, batch.length),
    ...ones(before),
    ...x.shape.slice(batch.length),
    ...ones(after),
  ]);
}

/** Matrices `[batch, free, inner]`, or the other way around (transposed) where the elements lie so already. */
function matrices(
  operand: Labelled,
  batch: readonly string[],
  free: readonly string[],
  inner: readonly string[],
): [Tensor, boolean] {
  const transposed = [...batch, ...inner, ...free].every((label, dim) => operand.labels[dim] === label);
  const order = transposed ? [...batch, ...inner, ...free] : [...batch, ...free, ...inner];
  const size = (labels: readonly string[]): number =>
    sizeOf(labels.map((label) => sizeAlong(operand, label) as number));
  const [rows, columns] = transposed ? [inner, free] : [free, inner];
  const shape = [...(batch.length > 0 ? [size(batch)] : []), size(rows), size(columns)];
  return [reshape(ordered(operand, order), shape), transposed];
}
