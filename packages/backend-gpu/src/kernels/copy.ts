import type { TensorSpec } from '@halfgrad/core';
import { glslTexel } from '../glsl/codecs.ts';
import type { Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import type { Walk } from './layout.ts';
import { planOffsets } from './offsets.ts';

/** The components of a texel of each type. */
const swizzles = { float: 'r', vec2: 'rg', vec4: 'rgba' } as const;

/** The same elements in a texture of their own, bit for bit. */
export function copyTexels(runtime: Runtime, x: GpuTensor, out: TensorSpec): GpuTensor {
  const texel = glslTexel(x.dtype);
  return runtime.compute(out, {
    name: `copy ${texel}`,
    textures: { x: runtime.textureOf(x) },
    body: () => `${texel} compute() { return texelFetch(user_x, outputTexel(), 0).${swizzles[texel]}; }`,
  });
}

/** The elements that a walk over the result meets, bit for bit. */
export function copyAlong(runtime: Runtime, x: GpuTensor, walk: Walk, start: number, out: TensorSpec): GpuTensor {
  const texel = glslTexel(x.dtype);
  const { key, uniforms, code } = planOffsets(['x'], walk, [start]);
  return runtime.compute(out, {
    name: `copy along ${key} ${texel}`,
    textures: { x: runtime.textureOf(x) },
    uniforms,
    body: () => `${texel} compute() {
  int i = outputIndex();
  ${code}
  return texelFetch(user_x, texelAt(user_xDim, xAt), 0).${swizzles[texel]};
}`,
  });
}
