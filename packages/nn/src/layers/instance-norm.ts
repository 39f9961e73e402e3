import { argumentError, instanceNorm, ones, type Tensor, zeros } from '@halfgrad/core';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { creation, type LayerOptions, requireCounts } from './options.ts';

export interface InstanceNormOptions extends LayerOptions {
  readonly eps?: number;
  /** Whether there is a learned weight and bias per channel; there is none by default, as in PyTorch. */
  readonly affine?: boolean;
}

/**
 * Normalises each channel of each sample, while training and in evaluation alike.
 *
 * @see Ulyanov, Vedaldi & Lempitsky (2016). https://arxiv.org/abs/1607.08022
 */
export abstract class InstanceNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;

  constructor(numFeatures: number, { eps = 1e-5, affine = false, ...options }: InstanceNormOptions = {}) {
    super();
    requireCounts(this.constructor.name, { numFeatures });
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.weight = affine ? new Parameter(ones([numFeatures], creation(options))) : undefined;
    this.bias = affine ? new Parameter(zeros([numFeatures], creation(options))) : undefined;
  }

  /** The number of dimensions of the input. */
  protected abstract readonly rank: number;

  forward(x: Tensor): Tensor {
    const { numFeatures, rank, weight, bias, eps } = this;
    if (x.rank !== rank || x.shape[1] !== numFeatures) {
      const problem = `x needs ${rank} dimensions and ${numFeatures} channels`;
      throw argumentError('shape-mismatch', this.constructor.name, problem, { x });
    }
    return instanceNorm(x, { weight, bias, eps });
  }
}

/** Instance norm of `[N, C, L]` (`torch.nn.InstanceNorm1d`). */
export class InstanceNorm1d extends InstanceNorm {
  protected get rank(): number {
    return 3;
  }
}

/** Instance norm of `[N, C, H, W]` (`torch.nn.InstanceNorm2d`). */
export class InstanceNorm2d extends InstanceNorm {
  protected get rank(): number {
    return 4;
  }
}

/** Instance norm of `[N, C, D, H, W]` (`torch.nn.InstanceNorm3d`). */
export class InstanceNorm3d extends InstanceNorm {
  protected get rank(): number {
    return 5;
  }
}
