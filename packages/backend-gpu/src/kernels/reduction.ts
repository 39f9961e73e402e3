import { sizeOf, stridesOf, type TensorSpec } from '@halfgrad/core';
import { type GpuDType, requireSupported } from '../gl/format.ts';
import { convert, glslTexel, glslTypes } from '../glsl/codecs.ts';
import type { Pass, Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import type { Attempts } from './attempt.ts';
import { copyAlong } from './copy.ts';

/** How elements become one, in GLSL. What several combinations give can be combined again. */
interface Combination {
  readonly name: string;
  readonly start: string;
  /** The next `total`, from it and the next `value`. */
  readonly combine: string;
  /** The result, from `total` and the number of all elements, `user_all`. */
  readonly finish: string;
}

const sum: Combination = { name: 'sum', start: '0.0', combine: 'total + value', finish: 'total' };
const mean: Combination = { ...sum, name: 'mean', finish: 'user_all == 0 ? quietNaN() : total / float(user_all)' };
const maximum: Combination = { name: 'amax', start: '-infinity()', combine: 'max_(total, value)', finish: 'total' };
const integerSum: Combination = { ...sum, start: '0' };
const integerMaximum: Combination = { ...maximum, start: '~0x7fffffff', combine: 'max(total, value)' };
/** 1 if any element is infinite or NaN, else 0. */
const nonFinite: Combination = {
  name: 'nonFinite',
  start: '0.0',
  combine: 'isFinite(value) ? total : value',
  finish: 'isFinite(total) ? 0.0 : 1.0',
};

export function reductionOps(runtime: Runtime): Attempts {
  return {
    sum({ x }, { dims }, out) {
      const as = requireSupported(out.dtype);
      return reduce(runtime, x, dims, as, as === 'bool' ? integerMaximum : isFloat(as) ? sum : integerSum, out);
    },
    mean: ({ x }, { dims }, out) => reduce(runtime, x, dims, x.dtype, mean, out),
    amax: ({ x }, { dims }, out) => reduce(runtime, x, dims, x.dtype, isFloat(x.dtype) ? maximum : integerMaximum, out),
  };
}

/** A float32 tensor of one element: 1 if an element of `x` is infinite or NaN, else 0. */
export function hasNonFinite(runtime: Runtime, x: GpuTensor): GpuTensor {
  const dims = x.shape.map((_, dim) => dim);
  return reduce(runtime, x, dims, x.dtype, nonFinite, { shape: [], dtype: 'float32' });
}

function isFloat(dtype: GpuDType): boolean {
  return glslTypes[dtype] === 'float';
}

/** Combines the elements over `dims`, each as one of dtype `as`. */
function reduce(
  runtime: Runtime,
  x: GpuTensor,
  dims: readonly number[],
  as: GpuDType,
  combination: Combination,
  out: TensorSpec,
): GpuTensor {
  const runs = runsOf(x.shape, dims);
  if (runs) return reduceRuns(runtime, x, as, runs, combination, out, runs.count);
  const moved = dimsLast(runtime, x, dims);
  const count = sizeOf(dims.map((dim) => x.shape[dim]!));
  const outer = sizeOf(moved.shape.slice(0, moved.shape.length - dims.length));
  const result = reduceRuns(runtime, moved, as, { outer, count, inner: 1 }, combination, out, count);
  runtime.memory.free(moved);
  return result;
}

/** A tensor as [outer, count, inner], of which the middle is combined. */
interface Runs {
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
}

/** Undefined unless the dimensions lie side by side, apart from those of size 1. */
function runsOf(shape: readonly number[], dims: readonly number[]): Runs | undefined {
  const combined = dims.filter((dim) => shape[dim] !== 1);
  const [first, last] = [combined[0], combined.at(-1)];
  if (first === undefined || last === undefined) return { outer: sizeOf(shape), count: 1, inner: 1 };
  const between = shape.slice(first, last + 1).map((_, i) => first + i);
  if (between.some((dim) => shape[dim] !== 1 && !dims.includes(dim))) return undefined;
  return {
    outer: sizeOf(shape.slice(0, first)),
    count: sizeOf(shape.slice(first, last + 1)),
    inner: sizeOf(shape.slice(last + 1)),
  };
}

function dimsLast(runtime: Runtime, x: GpuTensor, dims: readonly number[]): GpuTensor {
  const all = x.shape.map((_, dim) => dim);
  const order = [...all.filter((dim) => !dims.includes(dim)), ...dims];
  const strides = stridesOf(x.shape);
  const shape = order.map((dim) => x.shape[dim]!);
  const walk = { sizes: shape, strides: [order.map((dim) => strides[dim]!)] };
  return copyAlong(runtime, x, walk, 0, { shape, dtype: x.dtype });
}

/** What one invocation combines: few enough for a running sum to stay accurate. More take several passes. */
const maxCombined = 128;

function reduceRuns(
  runtime: Runtime,
  x: GpuTensor,
  as: GpuDType,
  runs: Runs,
  combination: Combination,
  out: TensorSpec,
  all: number,
): GpuTensor {
  const { outer, count, inner } = runs;
  if (count <= maxCombined) {
    return runtime.compute(out, passOf(runtime, x, as, runs, combination, requireSupported(out.dtype), all));
  }
  const chunks = Math.ceil(count / maxCombined);
  const wide = isFloat(as) ? 'float32' : 'int32';
  const partial = { ...combination, finish: 'total' };
  const parts = runtime.compute(
    { shape: [outer, chunks, inner], dtype: wide },
    passOf(runtime, x, as, runs, partial, wide, all),
  );
  const result = reduceRuns(runtime, parts, wide, { outer, count: chunks, inner }, combination, out, all);
  runtime.memory.free(parts);
  return result;
}

function passOf(
  runtime: Runtime,
  x: GpuTensor,
  as: GpuDType,
  { count, inner }: Runs,
  { name, start, combine, finish }: Combination,
  target: GpuDType,
  all: number,
): Pass {
  const type = glslTypes[as];
  const value = convert(`decode_${x.dtype}(texelFetch(user_x, texelAt(user_xDim, at), 0))`, x.dtype, as);
  return {
    name: `${name} ${finish} ${x.dtype} ${as} ${target}`,
    textures: { x: runtime.textureOf(x) },
    uniforms: { count: ['Integer', count], inner: ['Integer', inner], all: ['Integer', all] },
    body: () => `${glslTexel(target)} compute() {
  int i = outputIndex();
  int rest = i / user_inner;
  int chunks = (user_count + ${maxCombined - 1}) / ${maxCombined};
  int outer = rest / max(chunks, 1);
  int first = (rest - outer * chunks) * ${maxCombined};
  int end = min(user_count, first + ${maxCombined});
  int at = (outer * user_count + first) * user_inner + (i - rest * user_inner);
  ${type} total = ${start};
  for (int k = first; k < end; k++) {
    ${type} value = ${value};
    total = ${combine};
    at += user_inner;
  }
  return encode_${target}(${convert(finish, type === 'float' ? 'float32' : 'int32', target)});
}`,
  };
}
