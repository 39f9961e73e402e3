import { localResponseNorm, type Tensor } from '@halfgrad/core';
import { Module } from '../module.ts';
import { requireCounts } from './options.ts';

export interface LocalResponseNormOptions {
  readonly alpha?: number;
  readonly beta?: number;
  readonly k?: number;
}

/**
 * Divides each element by a power of the squares in `size` neighbouring channels (`torch.nn.LocalResponseNorm`).
 *
 * @see Krizhevsky, Sutskever & Hinton (2012), section 3.3.
 */
export class LocalResponseNorm extends Module {
  readonly size: number;
  readonly options: LocalResponseNormOptions;

  constructor(size: number, options: LocalResponseNormOptions = {}) {
    super();
    requireCounts('LocalResponseNorm', { size });
    this.size = size;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return localResponseNorm(x, this.size, this.options);
  }
}
