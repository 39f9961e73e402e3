import { type ConvOptions, conv1d, conv2d, conv3d, type PerDim, type Tensor, zeros } from '@halfgrad/core';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { initializeAffine } from './linear.ts';
import { creation, kernelShape, type LayerOptions, requireGroups } from './options.ts';

export interface ConvLayerOptions extends LayerOptions, ConvOptions {
  readonly bias?: boolean;
}

/** What convolutions of all dimensions share: `weight` `[out, in / groups, …kernel]` and `bias` `[out]`. */
abstract class Conv extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly options: Required<ConvOptions>;
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDim,
    { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, ...options }: ConvLayerOptions,
  ) {
    super();
    const name = `Conv${rank}d`;
    requireGroups(name, { inChannels, outChannels, groups });
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = kernelShape(name, kernelSize, rank);
    this.options = { stride, padding, dilation, groups };
    this.weight = new Parameter(zeros([outChannels, inChannels / groups, ...this.kernelSize], creation(options)));
    this.bias = bias ? new Parameter(zeros([outChannels], creation(options))) : undefined;
    initializeAffine(this.weight, this.bias, options);
  }
}

/** Convolution of `[N, C, L]` (`torch.nn.Conv1d`). */
export class Conv1d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: PerDim, options: ConvLayerOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return conv1d(x, this.weight, this.bias, this.options);
  }
}

/** Convolution of `[N, C, H, W]` (`torch.nn.Conv2d`). */
export class Conv2d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: PerDim, options: ConvLayerOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.options);
  }
}

/** Convolution of `[N, C, D, H, W]` (`torch.nn.Conv3d`). */
export class Conv3d extends Conv {
  constructor(inChannels: number, outChannels: number, kernelSize: PerDim, options: ConvLayerOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return conv3d(x, this.weight, this.bias, this.options);
  }
}
