import { logSoftmax, softmax, softmin, type Tensor } from '@halfgrad/core';
import { Module } from '../module.ts';

/** Positive numbers along `dim` that add up to 1. */
export class Softmax extends Module {
  readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = dim;
  }

  forward(x: Tensor): Tensor {
    return softmax(x, this.dim);
  }
}

/** The softmax of `−x`. */
export class Softmin extends Module {
  readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = dim;
  }

  forward(x: Tensor): Tensor {
    return softmin(x, this.dim);
  }
}

/** The logarithm of the softmax, for losses of log-probabilities. */
export class LogSoftmax extends Module {
  readonly dim: number;

  constructor(dim: number) {
    super();
    this.dim = dim;
  }

  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim);
  }
}
