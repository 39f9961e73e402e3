import { sizeOf, stridesOf, type TensorSpec } from '@halfgrad/core';
import { glslTexel, glslTypes } from '../glsl/codecs.ts';
import type { Runtime, Uniform } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import type { Attempts } from './attempt.ts';
import { planOffsets } from './offsets.ts';

/**
 * The most source elements that one result element looks at in the adding ops, which search for those that name it.
 * Beyond it the reference device, which walks the source once, is faster.
 */
const maxSearched = 1024;

/** An index outside its dimension reads NaN or zero, and adds nothing: this device does not look at indices. */
export function indexingOps(runtime: Runtime): Attempts {
  return {
    indexSelect: ({ x, index }, { dim }, out) => {
      const inner = sizeOf(x.shape.slice(dim + 1));
      const run = sizeOf(index.shape) * inner;
      const size = x.shape[dim] ?? 1;
      return runtime.compute(out, {
        name: `indexSelect ${x.dtype}`,
        textures: { x: runtime.textureOf(x), index: runtime.textureOf(index) },
        uniforms: { inner: ['Integer', inner], run: ['Integer', run], size: ['Integer', size] },
        body: () => `${glslTexel(x.dtype)} compute() {
  int i = outputIndex();
  int outer = i / user_run;
  int entry = ${indexAt('(i - outer * user_run) / user_inner')};
  int at = (outer * user_size + entry) * user_inner + i % user_inner;
  return ${readChecked(x, 'entry', 'at')};
}`,
      });
    },

    gather({ x, index }, { dim }, out) {
      const strides = stridesOf(x.shape);
      const walk = { sizes: out.shape, strides: [strides.map((stride, d) => (d === dim ? 0 : stride))] };
      const { key, uniforms, code } = planOffsets(['x'], walk);
      return runtime.compute(out, {
        name: `gather ${x.dtype} ${key}`,
        textures: { x: runtime.textureOf(x), index: runtime.textureOf(index) },
        uniforms: { ...uniforms, size: ['Integer', x.shape[dim] ?? 1], step: ['Integer', strides[dim] ?? 1] },
        body: () => `${glslTexel(x.dtype)} compute() {
  int i = outputIndex();
  ${code}
  int entry = ${indexAt('i')};
  return ${readChecked(x, 'entry', 'xAt + entry * user_step')};
}`,
      });
    },

    indexAdd({ index, source }, { dim, size }, out) {
      const inner = sizeOf(source.shape.slice(dim + index.shape.length));
      return searched(runtime, index, source, sizeOf(index.shape), out, {
        name: 'indexAdd',
        uniforms: { size: ['Integer', size], inner: ['Integer', inner] },
        // i = (outer · size + wanted) · inner + within
        locate: `int rest = i / user_inner;
  int outer = rest / user_size;
  int wanted = rest - outer * user_size;
  int indexFrom = 0;
  int indexStep = 1;
  int from = outer * user_count * user_inner + i % user_inner;
  int step = user_inner;`,
      });
    },

    scatterAdd({ index, source }, { dim, size }, out) {
      const count = source.shape[dim] ?? 1;
      const inner = sizeOf(source.shape.slice(dim + 1));
      return searched(runtime, index, source, count, out, {
        name: 'scatterAdd',
        uniforms: { size: ['Integer', size], inner: ['Integer', inner] },
        locate: `int rest = i / user_inner;
  int outer = rest / user_size;
  int wanted = rest - outer * user_size;
  int indexFrom = outer * user_count * user_inner + i % user_inner;
  int indexStep = user_inner;
  int from = indexFrom;
  int step = user_inner;`,
      });
    },
  };
}

function indexAt(at: string): string {
  return `decode_int32(texelFetch(user_index, texelAt(user_indexDim, ${at}), 0))`;
}

/** The element at `at`, if `entry` lies in the dimension; as a texel. */
function readChecked({ dtype }: GpuTensor, entry: string, at: string): string {
  const value = `decode_${dtype}(texelFetch(user_x, texelAt(user_xDim, ${at}), 0))`;
  const outside = glslTypes[dtype] === 'float' ? 'quietNaN()' : '0';
  return `encode_${dtype}(${entry} >= 0 && ${entry} < user_size ? ${value} : ${outside})`;
}

/** Sums, in the order of the source, the elements whose index is the position of the result element. */
function searched(
  runtime: Runtime,
  index: GpuTensor,
  source: GpuTensor,
  count: number,
  out: TensorSpec,
  { name, uniforms, locate }: { name: string; uniforms: Record<string, Uniform>; locate: string },
): GpuTensor | undefined {
  if (count > maxSearched) return undefined;
  const { dtype } = source;
  return runtime.compute(out, {
    name: `${name} ${dtype}`,
    textures: { index: runtime.textureOf(index), source: runtime.textureOf(source) },
    uniforms: { ...uniforms, count: ['Integer', count] },
    body: () => `${glslTexel(dtype)} compute() {
  int i = outputIndex();
  ${locate}
  ${glslTypes[dtype]} total = ${glslTypes[dtype] === 'float' ? '0.0' : '0'};
  for (int k = 0; k < user_count; k++) {
    int entry = ${indexAt('indexFrom + k * indexStep')};
    if (entry == wanted) total += decode_${dtype}(texelFetch(user_source, texelAt(user_sourceDim, from + k * step), 0));
  }
  return encode_${dtype}(total);
}`,
  });
}
