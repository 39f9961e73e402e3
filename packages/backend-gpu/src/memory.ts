import type { HostData, MemoryReport, TensorSpec } from '@halfgrad/core';
import type { GlContext } from './gl/context.ts';
import { formats, type GpuDType, quadFormat, requireSupported } from './gl/format.ts';
import { type Extent, extentOf, type Texture } from './gl/texture.ts';
import type { GpuTensor, Handle } from './storage.ts';

/** The textures of a device: made, counted, and deleted when their block is freed or, as a net, collected. */
export class TextureMemory {
  readonly #context: GlContext;
  readonly #live: Map<GpuDType, number> = new Map();
  #total = 0;
  #peak = 0;
  readonly #collected: FinalizationRegistry<Handle> = new FinalizationRegistry((handle) => this.#clear(handle));

  constructor(context: GlContext) {
    this.#context = context;
  }

  /** A texture for `count` elements, whatever they are. */
  allocate(dtype: GpuDType, count: number): Texture {
    return this.#counted(dtype, this.#context.create(formats[dtype], extentOf(count)));
  }

  /** A texture of four float32 numbers per texel. */
  allocateQuads(extent: Extent): Texture {
    return this.#counted('float32', this.#context.create(quadFormat, extent));
  }

  upload(dtype: GpuDType, data: HostData): Texture {
    return this.#counted(dtype, this.#context.upload(formats[dtype], extentOf(data.length), data));
  }

  /** Gives a texture back. */
  release(dtype: GpuDType, texture: Texture): void {
    this.#context.delete(texture);
    this.#count(dtype, -texture.bytes);
  }

  /** A tensor that owns `texture`. */
  own({ shape, dtype, isNumber }: TensorSpec, texture: Texture): GpuTensor {
    const supported = requireSupported(dtype);
    return this.#register({ shape, dtype: supported, isNumber }, { dtype: supported, texture }, undefined);
  }

  /** A tensor of one element that has no texture yet. */
  ownNumber({ shape, dtype, isNumber }: TensorSpec, value: number): GpuTensor {
    const supported = requireSupported(dtype);
    return this.#register({ shape, dtype: supported, isNumber }, { dtype: supported, texture: undefined }, value);
  }

  /** Gives the block of `target` another texture in the place of its own: what an update in place does here. */
  replace({ block, dtype }: GpuTensor, texture: Texture): void {
    const { handle } = block;
    if (handle.texture) this.release(dtype, handle.texture);
    handle.texture = texture;
    block.number = undefined;
  }

  free({ block }: GpuTensor): void {
    this.#collected.unregister(block);
    this.#clear(block.handle);
  }

  report(): MemoryReport {
    return {
      liveBytes: this.#total,
      peakBytes: this.#peak,
      byDType: Object.fromEntries([...this.#live].filter(([, bytes]) => bytes > 0)),
    };
  }

  #register(spec: Omit<GpuTensor, 'block'>, handle: Handle, number: number | undefined): GpuTensor {
    const block = { version: 0, holders: 0, handle, number };
    this.#collected.register(block, handle, block);
    return { ...spec, block };
  }

  #clear(handle: Handle): void {
    const { texture, dtype } = handle;
    handle.texture = undefined;
    if (texture) this.release(dtype, texture);
  }

  #counted(dtype: GpuDType, texture: Texture): Texture {
    this.#count(dtype, texture.bytes);
    return texture;
  }

  #count(dtype: GpuDType, bytes: number): void {
    this.#live.set(dtype, (this.#live.get(dtype) ?? 0) + bytes);
    this.#total += bytes;
    this.#peak = Math.max(this.#peak, this.#total);
  }
}
