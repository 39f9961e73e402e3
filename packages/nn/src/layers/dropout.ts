import { type DropoutOptions, dropout, type Generator, type Tensor, TensorError } from '@halfgrad/core';
import { Module } from '../module.ts';

/** Zeroes elements with probability `p` while training, scaling the others by 1 / (1 − p) (`torch.nn.Dropout`). */
export class Dropout extends Module {
  readonly p: number;
  readonly generator: Generator | undefined;

  constructor(p = 0.5, { generator }: Pick<DropoutOptions, 'generator'> = {}) {
    super();
    if (!(p >= 0 && p <= 1)) throw new TensorError('invalid-argument', `Dropout: p is ${p}. Use a number from 0 to 1.`);
    this.p = p;
    this.generator = generator;
  }

  forward(x: Tensor): Tensor {
    const { training, generator } = this;
    return dropout(x, this.p, { training, ...(generator && { generator }) });
  }
}
