import { allocateHost, encodeNumbers, type HostData, sizeOf, type TensorSpec } from '@halfgrad/core';
import type { GlContext } from './gl/context.ts';
import { type GpuDType, requireSupported } from './gl/format.ts';
import type { Outputs, Program, TexelType, UniformType } from './gl/program.ts';
import type { Texture } from './gl/texture.ts';
import { glslTexel } from './glsl/codecs.ts';
import { libraryFor } from './glsl/library.ts';
import { TextureMemory } from './memory.ts';
import type { GpuTensor } from './storage.ts';

/** A uniform and its value. */
export type Uniform = readonly [type: UniformType, value: number];

/** One pass over the elements of a result. */
export interface Pass {
  /** Tells this kernel from all others; it may depend on dtypes and ranks, but not on sizes. */
  readonly name: string;
  readonly textures: Readonly<Record<string, Texture>>;
  readonly uniforms?: Readonly<Record<string, Uniform>>;
  /** GLSL with `<texel> compute()`; see `Program`. */
  readonly body: () => string;
}

/** What kernels work with. */
export class Runtime {
  readonly context: GlContext;
  readonly memory: TextureMemory;
  /** Whether kernels may render to four textures at once; the probe finds out. */
  canRenderToFour = false;
  /** How often anything was read back from the GPU. */
  readbacks = 0;

  constructor(context: GlContext) {
    this.context = context;
    this.memory = new TextureMemory(context);
  }

  /** Renders one element per texel to a new tensor. */
  compute(out: TensorSpec, pass: Pass): GpuTensor {
    return this.memory.own(out, this.computeTexture(requireSupported(out.dtype), sizeOf(out.shape), pass));
  }

  /** The same to a bare texture, which the caller gives back or hands over. */
  computeTexture(dtype: GpuDType, count: number, pass: Pass): Texture {
    const target = this.memory.allocate(dtype, count);
    if (count > 0) this.render(pass, glslTexel(dtype), [target]);
    return target;
  }

  render(
    { name, textures, uniforms = {}, body }: Pass,
    returns: TexelType,
    targets: readonly Texture[],
    outputs?: Outputs,
  ): void {
    this.context.requireAlive();
    const values = Object.values(uniforms);
    const args = [...Object.values(textures), ...values.map(([, value]) => value)];
    const program = (): Program => {
      const code = body();
      return {
        textures: Object.keys(textures),
        uniforms: Object.fromEntries(Object.entries(uniforms).map(([key, [type]]) => [key, type])),
        returns,
        library: libraryFor(code),
        body: code,
        ...(outputs && { outputs }),
      };
    };
    this.context.run(name, program, args, targets);
  }

  upload(data: HostData, spec: TensorSpec): GpuTensor {
    const dtype = requireSupported(spec.dtype);
    if (spec.isNumber) return this.memory.ownNumber(spec, data[0]!);
    return this.memory.own(spec, this.memory.upload(dtype, data));
  }

  /** The elements of a tensor, waiting for the GPU. */
  read(x: GpuTensor): HostData {
    const data = allocateHost(x.dtype, sizeOf(x.shape));
    this.readbacks++;
    if (data.length > 0) this.context.read(this.textureOf(x), data);
    return data;
  }

  /** The texture of a tensor, made now for a number that has none yet. */
  textureOf({ block, dtype }: GpuTensor): Texture {
    const { handle, number } = block;
    handle.texture ??= this.memory.upload(dtype, encodeNumbers([number ?? 0], dtype));
    return handle.texture;
  }
}
