import { defaultGenerator, type Generator } from '../functional/random.ts';
import { type DType, defaultFloat } from '../spec/dtype.ts';
import { TensorError } from '../spec/errors.ts';
import { allocateHost, encodeNumbers, type HostData } from '../spec/host-data.ts';
import { normalQuantile } from '../spec/normal.ts';
import { uniformOf } from '../spec/philox.ts';
import { sizeOf } from '../spec/shape.ts';
import { defaultDevice } from './default-device.ts';
import type { Device } from './device.ts';
import type { NestedArray } from './format.ts';
import { Tensor } from './tensor.ts';

export interface CreateOptions {
  readonly dtype?: DType;
  /** Defaults to the one set by `setDefaultDevice`. */
  readonly device?: Device;
  readonly requiresGrad?: boolean;
}

/** Numbers in any typed array; 16-bit floats are given as numbers and rounded. */
type NumericArray = ArrayLike<number> & { readonly BYTES_PER_ELEMENT: number };

/**
 * A tensor from a number, nested arrays, or a typed array with a shape (`torch.tensor`).
 *
 * Without a dtype: float32 for numbers, bool for booleans; numbers are rounded to the dtype, ties to even.
 *
 * @throws TensorError `shape-mismatch` for ragged arrays or a shape that does not fit.
 */
export function tensor(
  values: NestedArray | NumericArray,
  options: CreateOptions & { readonly shape?: readonly number[] } = {},
): Tensor {
  const { flat, shape: found, isBool } = flattenValues(values);
  const shape = options.shape ?? found;
  if (sizeOf(shape) !== flat.length) {
    throw new TensorError('shape-mismatch', `tensor: ${flat.length} values do not fill [${shape.join(',')}]`);
  }
  const dtype = options.dtype ?? (isBool ? 'bool' : defaultFloat);
  return fromHost(encodeNumbers(flat, dtype), shape, { ...options, dtype });
}

/** A tensor from elements already in their storage format (16-bit floats as bits), without conversion. */
export function fromHost(
  data: HostData,
  shape: readonly number[],
  { dtype = defaultFloat, device, requiresGrad }: CreateOptions,
): Tensor {
  const target = device ?? defaultDevice();
  const created = new Tensor(target.upload(data, { shape, dtype }), target);
  if (requiresGrad) created.requiresGrad = true;
  return created;
}

/** `value` everywhere. */
export function full(shape: readonly number[], value: number, options: CreateOptions = {}): Tensor {
  const dtype = options.dtype ?? defaultFloat;
  const data = allocateHost(dtype, sizeOf(shape));
  if (value !== 0) data.fill(encodeNumbers([value], dtype)[0] as number);
  return fromHost(data, shape, { ...options, dtype });
}

export function zeros(shape: readonly number[], options?: CreateOptions): Tensor {
  return full(shape, 0, options);
}

export function ones(shape: readonly number[], options?: CreateOptions): Tensor {
  return full(shape, 1, options);
}

/** Zeros with the shape, dtype and device of `x`, unless told otherwise. */
export function zerosLike(x: Tensor, options: CreateOptions = {}): Tensor {
  return zeros(x.shape, { dtype: x.dtype, device: x.device, ...options });
}

export function onesLike(x: Tensor, options: CreateOptions = {}): Tensor {
  return ones(x.shape, { dtype: x.dtype, device: x.device, ...options });
}

/** `start`, `start + step`, … below `end`; with one argument from 0. int32 if all are integers (`torch.arange`). */
export function arange(end: number, options?: CreateOptions): Tensor;
export function arange(start: number, end: number, step?: number, options?: CreateOptions): Tensor;
export function arange(first: number, second?: number | CreateOptions, step = 1, options: CreateOptions = {}): Tensor {
  const hasStart = typeof second === 'number';
  const [start, end] = hasStart ? [first, second] : [0, first];
  const settings = typeof second === 'object' ? second : options;
  if (!(step !== 0 && Number.isFinite(start) && Number.isFinite(end))) {
    throw new TensorError('invalid-argument', `arange: cannot go from ${start} to ${end} in steps of ${step}`);
  }
  const count = Math.max(Math.ceil((end - start) / step), 0);
  const dtype = settings.dtype ?? ([start, end, step].every(Number.isInteger) ? 'int32' : defaultFloat);
  const values = Array.from({ length: count }, (_, i) => start + i * step);
  return fromHost(encodeNumbers(values, dtype), [count], { ...settings, dtype });
}

/** `steps` numbers from `start` to `end`, both included, equally far apart. */
export function linspace(start: number, end: number, steps: number, options: CreateOptions = {}): Tensor {
  if (!(Number.isInteger(steps) && steps >= 0)) {
    throw new TensorError('invalid-argument', `linspace: ${steps} is not a number of steps`);
  }
  const step = (end - start) / Math.max(steps - 1, 1);
  // From the nearer end, so that both are exact.
  const values = Array.from({ length: steps }, (_, i) =>
    i < steps / 2 ? start + i * step : end - (steps - 1 - i) * step,
  );
  const dtype = options.dtype ?? defaultFloat;
  return fromHost(encodeNumbers(values, dtype), [steps], { ...options, dtype });
}

/** Ones on the diagonal, zeros elsewhere. */
export function eye(rows: number, columns: number = rows, options: CreateOptions = {}): Tensor {
  const dtype = options.dtype ?? defaultFloat;
  const data = allocateHost(dtype, rows * columns);
  const one = encodeNumbers([1], dtype)[0] as number;
  for (let i = 0; i < Math.min(rows, columns); i++) data[i * (columns + 1)] = one;
  return fromHost(data, [rows, columns], { ...options, dtype });
}

export interface RandomOptions extends CreateOptions {
  readonly generator?: Generator;
}

/** Uniform on [0, 1), from 24 random bits each. */
export function rand(shape: readonly number[], options: RandomOptions = {}): Tensor {
  const count = sizeOf(shape);
  const words = (options.generator ?? defaultGenerator).words(count);
  const dtype = options.dtype ?? defaultFloat;
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = uniformOf(words[i] as number);
  return fromHost(encodeNumbers(values, dtype), shape, { ...options, dtype });
}

/** Standard normal, by the quantile function of a uniform of 53 random bits. */
export function randn(shape: readonly number[], options: RandomOptions = {}): Tensor {
  const count = sizeOf(shape);
  const words = (options.generator ?? defaultGenerator).words(2 * count);
  const dtype = options.dtype ?? defaultFloat;
  // (k + ½) / 2^53 is never 0 or 1.
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const k = ((words[2 * i] as number) >>> 5) * 2 ** 26 + ((words[2 * i + 1] as number) >>> 6);
    values[i] = normalQuantile((k + 0.5) * 2 ** -53);
  }
  return fromHost(encodeNumbers(values, dtype), shape, { ...options, dtype });
}

interface Flattened {
  readonly flat: ArrayLike<number>;
  readonly shape: readonly number[];
  readonly isBool: boolean;
}

function flattenValues(values: NestedArray | NumericArray): Flattened {
  if (typeof values === 'object' && !Array.isArray(values)) {
    const array = values as NumericArray;
    return { flat: array, shape: [array.length], isBool: false };
  }
  const shape: number[] = [];
  for (let level = values as NestedArray; Array.isArray(level); level = level[0] as NestedArray)
    shape.push(level.length);
  const flat: number[] = [];
  const types = new Set<string>();
  const visit = (value: NestedArray, dim: number): void => {
    if (Array.isArray(value)) {
      if (value.length !== shape[dim]) throw raggedError(shape, dim, value.length);
      for (const item of value) visit(item as NestedArray, dim + 1);
    } else {
      if (dim !== shape.length) throw raggedError(shape, dim, 0);
      types.add(typeof value);
      flat.push(Number(value));
    }
  };
  visit(values as NestedArray, 0);
  const wrong = [...types].find((type) => type !== 'number' && type !== 'boolean');
  if (wrong) throw new TensorError('invalid-argument', `tensor: expected numbers or booleans, found ${wrong}`);
  return { flat, shape, isBool: types.size === 1 && types.has('boolean') };
}

function raggedError(shape: readonly number[], dim: number, length: number): TensorError {
  return new TensorError(
    'shape-mismatch',
    `tensor: nested arrays are ragged: dim ${dim} has ${shape[dim] ?? 'no'} entries first, then ${length || 'a number'}`,
  );
}
