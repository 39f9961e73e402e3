import type { Block, DType, Storage } from '@halfgrad/core';
import type { Extent } from './allocator.ts';

/** What a block holds of the linear memory. */
export interface Lease {
  readonly extent: Extent;
  readonly dtype: DType;
  /** What the elements take; the extent is larger. */
  readonly bytes: number;
}

/** Where the elements of one or more tensors lie in the linear memory. */
export interface WasmBlock extends Block {
  readonly pointer: number;
  readonly lease: Lease;
}

/** A tensor as this device stores it. */
export interface WasmTensor extends Storage {
  readonly block: WasmBlock;
}
