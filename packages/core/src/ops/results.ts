import { type DType, defaultFloat, isFloat } from '../spec/dtype.ts';
import { argumentError, type TensorError } from '../spec/errors.ts';
import { resultType } from '../spec/promotion.ts';
import { broadcastShapes, sameShape } from '../spec/shape.ts';
import type { TensorSpec } from '../spec/spec.ts';
import {
  isCount,
  type NamedSpecs,
  notBool,
  requireAllocatable,
  requireAscendingDims,
  requireDim,
  requireFloat,
  requireShape,
} from './requirements.ts';
import type { InterpolateAttrs, OpName, PoolAttrs, Reduction } from './signatures.ts';

export function like({ shape, dtype }: TensorSpec): TensorSpec {
  return { shape, dtype };
}

/** Unary float functions and true division turn integers into the default float (AMP.md D4.5). */
export function asFloat({ shape, dtype }: TensorSpec): TensorSpec {
  return { shape, dtype: isFloat(dtype) ? dtype : defaultFloat };
}

export function float(op: OpName, { x }: { x: TensorSpec }): TensorSpec {
  requireFloat(op, { x }, 'Cast it first.');
  return like(x);
}

/** Elementwise limits. */
export function bounded(op: OpName, x: TensorSpec, { min, max }: { min: number; max: number }): TensorSpec {
  if (Number.isNaN(min) || Number.isNaN(max)) throw argumentError('invalid-argument', op, 'a bound is NaN', { x });
  return notBool(op, like(x), 'Cast it first.');
}

/** Sums of bools and integers are integers wide enough to count (int32 here, where PyTorch has int64). */
export function sumDType(dtype: DType): DType {
  return isFloat(dtype) ? dtype : 'int32';
}

export function arithmetic(op: OpName, a: TensorSpec, b: TensorSpec): TensorSpec {
  return { shape: broadcast(op, { a, b }), dtype: resultType(a, b) };
}

export function comparison(op: OpName, a: TensorSpec, b: TensorSpec): TensorSpec {
  return { shape: broadcast(op, { a, b }), dtype: 'bool' };
}

export function broadcast(op: OpName, operands: Readonly<Record<string, TensorSpec>>): number[] {
  return Object.values(operands).reduce<number[]>((shape, operand) => {
    const next = broadcastShapes(shape, operand.shape);
    if (!next) throw argumentError('shape-mismatch', op, 'shapes do not broadcast', operands);
    return next;
  }, []);
}

/** The gradient of an elementwise op: the shape and dtype of what was saved. */
export function fusedGrad(op: OpName, args: { gradOut: TensorSpec; x?: TensorSpec; out?: TensorSpec }): TensorSpec {
  const saved = (args.x ?? args.out) as TensorSpec;
  requireFloat(op, args);
  if (!sameShape(args.gradOut.shape, saved.shape))
    throw argumentError('shape-mismatch', op, 'shapes differ', { ...args });
  return like(saved);
}

export function reduced(op: OpName, x: TensorSpec, { dims, keepDim }: Reduction): number[] {
  requireAscendingDims(op, dims, x);
  const shape = x.shape.map((size, dim) => (dims.includes(dim) ? 1 : size));
  return keepDim ? shape : shape.filter((_, dim) => !dims.includes(dim));
}

/** Variances and standard deviations. */
export function spreadOf(op: OpName, x: TensorSpec, attrs: Reduction & { correction: number }): TensorSpec {
  requireFloat(op, { x }, 'Cast it first.');
  if (!(attrs.correction >= 0)) {
    throw argumentError('invalid-argument', op, `a correction of ${attrs.correction} is negative`, { x });
  }
  return { shape: reduced(op, x, attrs), dtype: x.dtype };
}

/** Maxima and minima. */
export function extremum(op: OpName, x: TensorSpec, attrs: Reduction): TensorSpec {
  const shape = reduced(op, x, attrs);
  if (attrs.dims.some((dim) => x.shape[dim] === 0)) throw noElements(op, { x });
  return { shape, dtype: x.dtype };
}

export function extremumPosition(
  op: OpName,
  x: TensorSpec,
  { dim, keepDim }: { dim: number; keepDim: boolean },
): TensorSpec {
  requireDim(op, dim, x);
  return { shape: extremum(op, x, { dims: x.shape.length ? [dim] : [], keepDim }).shape, dtype: 'int32' };
}

export function noElements(op: OpName, args: NamedSpecs): TensorError {
  return argumentError('invalid-argument', op, 'the largest or smallest of no elements is undefined', args);
}

export function cumulative(
  op: OpName,
  x: TensorSpec,
  { dim, dtype }: { dim: number; dtype: DType | undefined },
): TensorSpec {
  requireDim(op, dim, x);
  return { shape: x.shape, dtype: dtype ?? sumDType(x.dtype) };
}

export function softmaxLike(
  op: OpName,
  x: TensorSpec,
  { dim, dtype }: { dim: number; dtype: DType | undefined },
): TensorSpec {
  requireDim(op, dim, x);
  const result = dtype ?? x.dtype;
  if (!isFloat(result))
    throw argumentError('dtype-mismatch', op, 'needs a floating-point dtype', { x }, 'Cast it first.');
  return { shape: x.shape, dtype: result };
}

export function softmaxGradLike(op: OpName, gradOut: TensorSpec, out: TensorSpec, dim: number): TensorSpec {
  requireDim(op, dim, out);
  return fusedGrad(op, { gradOut, out });
}

export function matrixShape({ shape }: TensorSpec, transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

export function pooled(op: OpName, x: TensorSpec, { windows }: PoolAttrs): number[] {
  const leading = x.shape.length - windows.length;
  if (leading < 0) throw argumentError('shape-mismatch', op, `needs at least ${windows.length} dimensions`, { x });
  windows.forEach((dim, i) => {
    const size = x.shape[leading + i] as number;
    const wrong = dim.find(
      ({ start, end, step, count }) =>
        !([start, end, step, count].every(Number.isInteger) && start >= 0 && end <= size && step >= 1),
    );
    if (wrong) {
      throw argumentError('invalid-argument', op, `a window reaches ${wrong.start}:${wrong.end}:${wrong.step}`, { x });
    }
  });
  return [...x.shape.slice(0, leading), ...windows.map((dim) => dim.length)];
}

/** What has the sizes `size` where `gradOut` has its last `count` dimensions: the input of a pooling or resampling op. */
export function withLastDims(op: OpName, gradOut: TensorSpec, count: number, size: readonly number[]): TensorSpec {
  requireShape(op, size);
  const leading = gradOut.shape.length - count;
  if (leading < 0 || size.length !== count) {
    throw argumentError('shape-mismatch', op, `needs a size for each of ${count} dimensions`, { gradOut });
  }
  const shape = [...gradOut.shape.slice(0, leading), ...size];
  requireAllocatable(op, shape);
  return { shape, dtype: gradOut.dtype };
}

export function resampled(op: OpName, x: TensorSpec, axes: InterpolateAttrs['axes']): number[] {
  const leading = x.shape.length - axes.length;
  if (leading < 0) throw argumentError('shape-mismatch', op, `needs at least ${axes.length} dimensions`, { x });
  axes.forEach((samples, i) => {
    const isInside = (at: number): boolean => isCount(at) && at < (x.shape[leading + i] as number);
    const wrong = samples.find(
      ({ low, high, weight }) => !(isInside(low) && isInside(high) && Number.isFinite(weight)),
    );
    if (wrong) {
      throw argumentError('invalid-argument', op, `a sample of axis ${i} reads ${wrong.low} and ${wrong.high}`, { x });
    }
  });
  return [...x.shape.slice(0, leading), ...axes.map((samples) => samples.length)];
}

export function statisticsShape(x: TensorSpec, rank: number): number[] {
  const first = x.shape.length - rank;
  return x.shape.map((size, dim) => (dim < first ? size : 1));
}

export function normalizedShape(op: OpName, x: TensorSpec, rank: number): number[] {
  if (!Number.isInteger(rank) || rank < 1 || rank > x.shape.length) {
    throw argumentError('shape-mismatch', op, `cannot normalise the last ${rank} dimensions`, { x });
  }
  return x.shape.slice(x.shape.length - rank);
}

export function channelShape(op: OpName, x: TensorSpec): number[] {
  if (x.shape.length < 2) throw argumentError('shape-mismatch', op, 'needs a batch and a channel dimension', { x });
  return [x.shape[1] as number];
}
