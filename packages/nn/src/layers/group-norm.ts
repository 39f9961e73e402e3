import { groupNorm, ones, type Tensor, TensorError, zeros } from '@halfgrad/core';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { creation, type LayerOptions, requireCounts } from './options.ts';

export interface GroupNormOptions extends LayerOptions {
  readonly eps?: number;
  /** Whether there is a learned weight and bias per channel. */
  readonly affine?: boolean;
}

/**
 * Normalises each of `numGroups` groups of channels of each sample, whatever the batch (`torch.nn.GroupNorm`).
 *
 * @see Wu & He (2018). https://arxiv.org/abs/1803.08494
 */
export class GroupNorm extends Module {
  readonly numGroups: number;
  readonly numChannels: number;
  readonly eps: number;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;

  constructor(
    numGroups: number,
    numChannels: number,
    { eps = 1e-5, affine = true, ...options }: GroupNormOptions = {},
  ) {
    super();
    requireCounts('GroupNorm', { numGroups, numChannels });
    if (numChannels % numGroups !== 0) {
      throw new TensorError(
        'invalid-argument',
        `GroupNorm: ${numGroups} groups do not divide ${numChannels} channels.`,
      );
    }
    this.numGroups = numGroups;
    this.numChannels = numChannels;
    this.eps = eps;
    this.weight = affine ? new Parameter(ones([numChannels], creation(options))) : undefined;
    this.bias = affine ? new Parameter(zeros([numChannels], creation(options))) : undefined;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return groupNorm(x, this.numGroups, { weight, bias, eps });
  }
}
