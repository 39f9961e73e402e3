import {
  type AvgPoolOptions,
  adaptiveAvgPool2d,
  avgPool2d,
  type MaxPoolOptions,
  maxPool2d,
  type PerDim,
  type Tensor,
} from '@halfgrad/core';
import { Module } from '../module.ts';

/** The maximum of each window of the last two dimensions; `stride` defaults to the kernel size. */
export class MaxPool2d extends Module {
  readonly kernelSize: PerDim;
  readonly options: MaxPoolOptions;

  constructor(kernelSize: PerDim, options: MaxPoolOptions = {}) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, this.options);
  }
}

/** The average of each window of the last two dimensions; `stride` defaults to the kernel size. */
export class AvgPool2d extends Module {
  readonly kernelSize: PerDim;
  readonly options: AvgPoolOptions;

  constructor(kernelSize: PerDim, options: AvgPoolOptions = {}) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options);
  }
}

/** Averages over a grid of `outputSize` windows, whatever the size of the input; 1 is the global average. */
export class AdaptiveAvgPool2d extends Module {
  readonly outputSize: PerDim;

  constructor(outputSize: PerDim) {
    super();
    this.outputSize = outputSize;
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}
