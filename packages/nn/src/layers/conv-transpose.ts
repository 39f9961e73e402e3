import {
  type ConvTransposeOptions,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type PerDim,
  type Tensor,
  zeros,
} from '@halfgrad/core';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { initializeAffine } from './linear.ts';
import { creation, kernelShape, type LayerOptions, requireGroups } from './options.ts';

export interface ConvTransposeLayerOptions extends LayerOptions, ConvTransposeOptions {
  readonly bias?: boolean;
}

/** What transposed convolutions of all dimensions share: `weight` `[in, out / groups, …kernel]` and `bias` `[out]`. */
abstract class ConvTranspose extends Module {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: readonly number[];
  readonly options: Required<ConvTransposeOptions>;
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(
    rank: number,
    inChannels: number,
    outChannels: number,
    kernelSize: PerDim,
    {
      stride = 1,
      padding = 0,
      outputPadding = 0,
      dilation = 1,
      groups = 1,
      bias = true,
      ...options
    }: ConvTransposeLayerOptions,
  ) {
    super();
    const name = `ConvTranspose${rank}d`;
    requireGroups(name, { inChannels, outChannels, groups });
    this.inChannels = inChannels;
    this.outChannels = outChannels;
    this.kernelSize = kernelShape(name, kernelSize, rank);
    this.options = { stride, padding, outputPadding, dilation, groups };
    this.weight = new Parameter(zeros([inChannels, outChannels / groups, ...this.kernelSize], creation(options)));
    this.bias = bias ? new Parameter(zeros([outChannels], creation(options))) : undefined;
    initializeAffine(this.weight, this.bias, options);
  }
}

/** Transposed convolution of `[N, C, L]` (`torch.nn.ConvTranspose1d`). */
export class ConvTranspose1d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: PerDim, options: ConvTransposeLayerOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return convTranspose1d(x, this.weight, this.bias, this.options);
  }
}

/** Transposed convolution of `[N, C, H, W]` (`torch.nn.ConvTranspose2d`), such as upsampling by its stride. */
export class ConvTranspose2d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: PerDim, options: ConvTransposeLayerOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.options);
  }
}

/** Transposed convolution of `[N, C, D, H, W]` (`torch.nn.ConvTranspose3d`). */
export class ConvTranspose3d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernelSize: PerDim, options: ConvTransposeLayerOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }

  forward(x: Tensor): Tensor {
    return convTranspose3d(x, this.weight, this.bias, this.options);
  }
}
