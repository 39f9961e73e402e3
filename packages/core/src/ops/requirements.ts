import { computeDType, type DType, dtypes, isFloat } from '../spec/dtype.ts';
import { argumentError, TensorError } from '../spec/errors.ts';
import { normalizeDim, sameShape, sizeOf } from '../spec/shape.ts';
import { showSpec, type TensorSpec } from '../spec/spec.ts';
import type { OpName } from './signatures.ts';

/** The arguments of a call by name, as errors list them. */
export type NamedSpecs = Readonly<Record<string, TensorSpec | undefined>>;

export function isCount(n: number): boolean {
  return Number.isInteger(n) && n >= 0;
}

export function requireDim(op: OpName, dim: number, x: TensorSpec): void {
  if (dim < 0) throw new TensorError('invalid-argument', `${op}: dim ${dim} must be counted from the front here`);
  normalizeDim(op, dim, x.shape.length);
}

/** Dimensions of `x`, each once and in ascending order. */
export function requireAscendingDims(op: OpName, dims: readonly number[], x: TensorSpec): void {
  const isAscending = dims.every((dim, i) => isCount(dim) && dim < x.shape.length && dim > (dims[i - 1] ?? -1));
  if (isAscending) return;
  throw argumentError('invalid-argument', op, `[${dims.join(',')}] are no ascending dims of x`, { x });
}

export function requireDistinctDims(op: OpName, dims: readonly number[], x: TensorSpec): void {
  for (const dim of dims) requireDim(op, dim, x);
  if (new Set(dims).size < dims.length) {
    throw argumentError('invalid-argument', op, `dims [${dims.join(',')}] repeat one`, { x });
  }
}

export function requireOneOf(op: OpName, name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  const list = allowed.map((one) => `'${one}'`).join(', ');
  throw new TensorError('invalid-argument', `${op}: ${name} is '${value}'. Use one of ${list}.`);
}

export function requireDropout(
  op: OpName,
  { p, seed, offset }: { p: number; seed: number; offset: number },
  args: NamedSpecs,
): void {
  if (!(p >= 0 && p <= 1)) throw argumentError('invalid-argument', op, `p is ${p}, not in [0, 1]`, args);
  if (!(Number.isSafeInteger(seed) && seed >= 0 && Number.isSafeInteger(offset) && offset >= 0)) {
    throw argumentError('invalid-argument', op, `seed ${seed} and offset ${offset} are no place in a stream`, args);
  }
}

export function requireNormOrder(op: OpName, p: number, args: NamedSpecs): void {
  if (p > 0) return;
  throw argumentError('invalid-argument', op, `p is ${p}`, args, 'Use a positive number or Infinity.');
}

export function requireShape(op: OpName, shape: readonly number[]): void {
  if (!shape.every(isCount)) {
    throw new TensorError('invalid-argument', `${op}: [${shape.join(',')}] is not a shape`);
  }
}

/** More elements than any device here can address: kernels need not expect such sizes. */
const tooManyElements = 2 ** 32;

/** For results whose size an attribute decides. */
export function requireAllocatable(op: OpName, shape: readonly number[]): void {
  if (sizeOf(shape) < tooManyElements) return;
  throw new TensorError('out-of-memory', `${op}: no device has room for [${shape.join(',')}]`);
}

export function requireLength(op: OpName, name: string, list: readonly unknown[], rank: number): void {
  if (list.length !== rank) {
    throw new TensorError('invalid-argument', `${op}: ${name} has ${list.length} entries for ${rank} dimensions`);
  }
}

export function requireDType(op: OpName, name: string, spec: TensorSpec, dtype: DType): void {
  if (spec.dtype !== dtype) {
    throw argumentError(
      'dtype-mismatch',
      op,
      `${name} must be ${dtype}`,
      { [name]: spec },
      `Use ${name}.to('${dtype}').`,
    );
  }
}

export function requireFloat(op: OpName, args: NamedSpecs, fix?: string): void {
  if (Object.values(args).some((spec) => spec && !isFloat(spec.dtype))) {
    throw argumentError('dtype-mismatch', op, 'needs floating-point tensors', args, fix);
  }
}

/** Matmul-like ops do not promote (AMP.md D4.7). */
export function requireSameDType(op: OpName, args: NamedSpecs): void {
  const [first, ...rest] = Object.values(args).filter((spec) => spec !== undefined);
  if (rest.some((spec) => spec.dtype !== first?.dtype)) {
    throw argumentError('dtype-mismatch', op, 'dtypes differ', args, 'Cast one operand, or run it under autocast.');
  }
}

export function notBool(op: OpName, spec: TensorSpec, fix: string): TensorSpec {
  if (dtypes[spec.dtype].category === 'bool') {
    throw new TensorError('dtype-mismatch', `${op}: not defined for bool (${showSpec(spec)}). ${fix}`);
  }
  return spec;
}

export function requireAligned(op: OpName, dim: number, x: TensorSpec, index: TensorSpec): void {
  requireDim(op, dim, x);
  const aligned =
    x.shape.length === index.shape.length && index.shape.every((n, d) => d === dim || n <= (x.shape[d] as number));
  if (!aligned) throw argumentError('shape-mismatch', op, `index does not fit x outside dim ${dim}`, { x, index });
}

/** Affine parameters and statistics: the given shape, and a dtype that x can be computed in without narrowing. */
export function requireAffine(op: OpName, x: TensorSpec, params: NamedSpecs, shape: readonly number[]): void {
  for (const [name, param] of Object.entries(params)) {
    if (!param) continue;
    if (!sameShape(param.shape, shape)) {
      throw argumentError('shape-mismatch', op, `${name} should have shape [${shape.join(',')}]`, { x, [name]: param });
    }
    if (param.dtype !== x.dtype && param.dtype !== computeDType(x.dtype)) {
      throw argumentError('dtype-mismatch', op, `${name} must be ${x.dtype} or ${computeDType(x.dtype)}`, {
        x,
        [name]: param,
      });
    }
  }
}
