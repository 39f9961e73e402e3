import type { Generator, Tensor } from '@halfgrad/core';

/** Examples that can be put together into batches of any type: what a `DataLoader` loads. */
export interface Dataset<T> {
  /** The number of examples. */
  readonly length: number;
  /** The examples at `indices` as one batch. Whatever is random about it, such as augmentation, is drawn from `random`. */
  collate(indices: Int32Array, random: Generator): T;
}

/** Inputs and what is to be predicted from them, one example per entry of dimension 0. */
export interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}
