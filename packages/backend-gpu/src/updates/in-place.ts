import { sizeOf } from '@halfgrad/core';
import type { GpuDType } from '../gl/format.ts';
import type { Texture } from '../gl/texture.ts';
import { glslTypes } from '../glsl/codecs.ts';
import { elementwisePass } from '../kernels/elementwise.ts';
import type { Runtime, Uniform } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';

/** New values for a tensor, element by element. */
export interface Change {
  readonly name: string;
  readonly target: GpuTensor;
  /** What the formula reads, by the names it uses; those of one element are the same for every element. */
  readonly reads: Readonly<Record<string, GpuTensor | undefined>>;
  readonly uniforms?: Readonly<Record<string, number>>;
  /** GLSL functions that the formula calls. */
  readonly functions?: string;
  readonly formula: string;
}

/**
 * Changes several tensors at once: every formula sees the values from before.
 *
 * A kernel cannot render to a texture that it reads, so that each target gets a new texture in the place of its own.
 */
export function changeInPlace(runtime: Runtime, changes: readonly Change[]): void {
  const textures = changes.map((change) => compute(runtime, change));
  changes.forEach(({ target }, i) => {
    runtime.memory.replace(target, textures[i]!);
  });
}

function compute(runtime: Runtime, { name, target, reads, uniforms = {}, functions, formula }: Change): Texture {
  const present = Object.entries(reads).flatMap(([key, tensor]) => (tensor ? [[key, tensor] as const] : []));
  const operands = present.map(([key, tensor]) => [key, { tensor, as: computedAs(tensor.dtype) }] as const);
  const values = Object.entries(uniforms).map(([key, value]): [string, Uniform] => [key, ['Float', value]]);
  const pass = elementwisePass(
    runtime,
    {
      name,
      operands: Object.fromEntries(operands),
      uniforms: Object.fromEntries(values),
      ...(functions !== undefined && { functions }),
      formula,
      computes: computedAs(target.dtype),
    },
    target,
  );
  return runtime.computeTexture(target.dtype, sizeOf(target.shape), pass);
}

/** Updates compute in float32, and count in int32. */
function computedAs(dtype: GpuDType): GpuDType {
  return glslTypes[dtype] === 'float' ? 'float32' : 'int32';
}
