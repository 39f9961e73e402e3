import {
  type AvgPoolOptions,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  type MaxPoolOptions,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type PerDim,
  type Tensor,
} from '@halfgrad/core';
import { Module } from '../module.ts';

/** What pooling by windows needs to know; `stride` defaults to the kernel size. */
abstract class WindowPool<O> extends Module {
  readonly kernelSize: PerDim;
  readonly options: O;

  constructor(kernelSize: PerDim, options: O) {
    super();
    this.kernelSize = kernelSize;
    this.options = options;
  }
}

abstract class AdaptivePool extends Module {
  readonly outputSize: PerDim;

  /** @param outputSize how many windows there are, whatever the size of the input; 1 is one over everything. */
  constructor(outputSize: PerDim) {
    super();
    this.outputSize = outputSize;
  }
}

/** The maximum of each window of the last dimension (`torch.nn.MaxPool1d`). */
export class MaxPool1d extends WindowPool<MaxPoolOptions> {
  constructor(kernelSize: PerDim, options: MaxPoolOptions = {}) {
    super(kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return maxPool1d(x, this.kernelSize, this.options);
  }
}

/** The maximum of each window of the last two dimensions (`torch.nn.MaxPool2d`). */
export class MaxPool2d extends WindowPool<MaxPoolOptions> {
  constructor(kernelSize: PerDim, options: MaxPoolOptions = {}) {
    super(kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, this.options);
  }
}

/** The maximum of each window of the last three dimensions (`torch.nn.MaxPool3d`). */
export class MaxPool3d extends WindowPool<MaxPoolOptions> {
  constructor(kernelSize: PerDim, options: MaxPoolOptions = {}) {
    super(kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return maxPool3d(x, this.kernelSize, this.options);
  }
}

/** The average of each window of the last dimension (`torch.nn.AvgPool1d`). */
export class AvgPool1d extends WindowPool<AvgPoolOptions> {
  constructor(kernelSize: PerDim, options: AvgPoolOptions = {}) {
    super(kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernelSize, this.options);
  }
}

/** The average of each window of the last two dimensions (`torch.nn.AvgPool2d`). */
export class AvgPool2d extends WindowPool<AvgPoolOptions> {
  constructor(kernelSize: PerDim, options: AvgPoolOptions = {}) {
    super(kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options);
  }
}

/** The average of each window of the last three dimensions (`torch.nn.AvgPool3d`). */
export class AvgPool3d extends WindowPool<AvgPoolOptions> {
  constructor(kernelSize: PerDim, options: AvgPoolOptions = {}) {
    super(kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return avgPool3d(x, this.kernelSize, this.options);
  }
}

/** Averages over nearly equal windows of the last dimension (`torch.nn.AdaptiveAvgPool1d`). */
export class AdaptiveAvgPool1d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/** Averages over nearly equal windows of the last two dimensions (`torch.nn.AdaptiveAvgPool2d`). */
export class AdaptiveAvgPool2d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/** Averages over nearly equal windows of the last three dimensions (`torch.nn.AdaptiveAvgPool3d`). */
export class AdaptiveAvgPool3d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool3d(x, this.outputSize);
  }
}

/** Maxima over nearly equal windows of the last dimension (`torch.nn.AdaptiveMaxPool1d`). */
export class AdaptiveMaxPool1d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveMaxPool1d(x, this.outputSize);
  }
}

/** Maxima over nearly equal windows of the last two dimensions (`torch.nn.AdaptiveMaxPool2d`). */
export class AdaptiveMaxPool2d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}

/** Maxima over nearly equal windows of the last three dimensions (`torch.nn.AdaptiveMaxPool3d`). */
export class AdaptiveMaxPool3d extends AdaptivePool {
  forward(x: Tensor): Tensor {
    return adaptiveMaxPool3d(x, this.outputSize);
  }
}
