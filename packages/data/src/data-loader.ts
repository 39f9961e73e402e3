import { Generator, type GeneratorState, TensorError } from '@halfgrad/core';
import type { Dataset } from './dataset.ts';

export interface DataLoaderOptions {
  readonly batchSize: number;
  /** Draws a new order for every epoch. */
  readonly shuffle?: boolean;
  /** What the order and the augmentation depend on, together with the epoch. */
  readonly seed?: number;
  /** Leaves out the examples that do not fill a batch at the end. */
  readonly dropLast?: boolean;
}

/** The blocks of random numbers that an epoch may use before it reaches those of the next. */
const blocksPerEpoch = 2 ** 32;

/**
 * Batches of a dataset, every example once per epoch (`torch.utils.data.DataLoader`).
 *
 * Each `for … of` is the next epoch; `batches(epoch)` is a certain one. Batches depend on nothing but the seed and the
 * epoch, so a run that is resumed at epoch 7 sees what an uninterrupted one would have seen.
 */
export class DataLoader<T> implements Iterable<T> {
  readonly dataset: Dataset<T>;
  readonly batchSize: number;
  readonly #shuffle: boolean;
  readonly #dropLast: boolean;
  readonly #start: GeneratorState;
  #nextEpoch = 0;

  /** @throws TensorError `invalid-argument` for a batch size that is not a positive integer, or no seed. */
  constructor(dataset: Dataset<T>, { batchSize, shuffle = false, seed = 0, dropLast = false }: DataLoaderOptions) {
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new TensorError('invalid-argument', `DataLoader: batchSize must be a positive integer, got ${batchSize}`);
    }
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.#shuffle = shuffle;
    this.#dropLast = dropLast;
    this.#start = new Generator(seed).state();
  }

  /** The number of batches of an epoch. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize;
    return this.#dropLast ? Math.floor(batches) : Math.ceil(batches);
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.batches(this.#nextEpoch++);
  }

  /** The batches of the epoch that is counted from 0. */
  *batches(epoch: number): IterableIterator<T> {
    const random = new Generator();
    random.setState({ ...this.#start, offset: epoch * blocksPerEpoch });
    const count = this.dataset.length;
    const order = this.#shuffle ? random.permutation(count) : Int32Array.from({ length: count }, (_, i) => i);
    for (let batch = 0; batch < this.length; batch++) {
      yield this.dataset.collate(order.subarray(batch * this.batchSize, (batch + 1) * this.batchSize), random);
    }
  }
}
