import type { Block, Storage } from '@halfgrad/core';
import type { GpuDType } from './gl/format.ts';
import type { Texture } from './gl/texture.ts';

/** What a block holds on the GPU. In-place updates put another texture in the place of the old one. */
export interface Handle {
  readonly dtype: GpuDType;
  /** Undefined until a number is needed as a texture, and after the block was freed. */
  texture: Texture | undefined;
}

/** The texture behind one or more tensors. */
export interface GpuBlock extends Block {
  readonly handle: Handle;
  /** The number that this block holds since it was made of one: kernels take it as a uniform. */
  number: number | undefined;
}

/** A tensor as this device stores it. */
export interface GpuTensor extends Storage {
  readonly dtype: GpuDType;
  readonly block: GpuBlock;
}
