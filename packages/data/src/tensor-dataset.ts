import { argumentError, type Tensor, tensor } from '@halfgrad/core';
import type { Dataset } from './dataset.ts';

/**
 * Named tensors whose dimension 0 counts the examples, as in `new TensorDataset({ x, y })`; batches have the same names
 * and live on the same devices (`torch.utils.data.TensorDataset`).
 *
 * @throws TensorError `shape-mismatch` when the tensors differ in their number of examples.
 */
export class TensorDataset<T extends Readonly<Record<string, Tensor>>> implements Dataset<T> {
  readonly length: number;
  readonly #tensors: T;

  constructor(tensors: T) {
    const lengths = new Set(Object.values(tensors).map(({ shape }) => shape[0]));
    const [length] = lengths;
    if (lengths.size !== 1 || length === undefined) {
      throw argumentError('shape-mismatch', 'TensorDataset', 'dimension 0 must be the same for all', tensors);
    }
    this.length = length;
    this.#tensors = tensors;
  }

  collate(indices: Int32Array): T {
    const select = (x: Tensor): Tensor => x.indexSelect(0, tensor(indices, { dtype: 'int32', device: x.device }));
    return Object.fromEntries(Object.entries(this.#tensors).map(([name, x]) => [name, select(x)])) as T;
  }
}
