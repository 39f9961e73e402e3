import { sizeOf, type TensorSpec } from '@halfgrad/core';
import { requireSupported } from '../gl/format.ts';
import { convert, glslTexel, glslTypes } from '../glsl/codecs.ts';
import type { Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';

/** The tensors one after the other along `dim`, joined pair by pair. */
export function concatenate(
  runtime: Runtime,
  tensors: readonly GpuTensor[],
  dim: number,
  out: TensorSpec,
): GpuTensor | undefined {
  const [first, ...rest] = tensors;
  // A single tensor still needs memory of its own.
  if (!first || rest.length === 0) return undefined;
  return rest.reduce((joined, next, i) => {
    const length = joined.shape[dim]! + next.shape[dim]!;
    const shape = out.shape.map((size, d) => (d === dim ? length : size));
    const result = join(runtime, joined, next, dim, { shape, dtype: out.dtype });
    if (i > 0) runtime.memory.free(joined);
    return result;
  }, first);
}

function join(runtime: Runtime, a: GpuTensor, b: GpuTensor, dim: number, out: TensorSpec): GpuTensor {
  const dtype = requireSupported(out.dtype);
  const inner = sizeOf(out.shape.slice(dim + 1));
  const read = (name: string, from: GpuTensor, at: string): string =>
    convert(`decode_${from.dtype}(texelFetch(user_${name}, texelAt(user_${name}Dim, ${at}), 0))`, from.dtype, dtype);
  return runtime.compute(out, {
    name: `concat ${a.dtype} ${b.dtype} ${dtype}`,
    textures: { a: runtime.textureOf(a), b: runtime.textureOf(b) },
    uniforms: { aRun: ['Integer', a.shape[dim]! * inner], bRun: ['Integer', b.shape[dim]! * inner] },
    body: () => `${glslTexel(dtype)} compute() {
  int i = outputIndex();
  int outer = i / (user_aRun + user_bRun);
  int at = i - outer * (user_aRun + user_bRun);
  ${glslTypes[dtype]} value;
  if (at < user_aRun) value = ${read('a', a, 'outer * user_aRun + at')};
  else value = ${read('b', b, 'outer * user_bRun + at - user_aRun')};
  return encode_${dtype}(value);
}`,
  });
}
