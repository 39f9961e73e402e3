import { ones, rmsNorm, type Tensor } from '@halfgrad/core';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { creation, type LayerOptions, normalizedSizes } from './options.ts';

export interface RMSNormOptions extends LayerOptions {
  /** 1e-6, as in LLaMA and its relatives; PyTorch's default is the ε of the input's dtype. */
  readonly eps?: number;
  /** Whether there is a learned weight per normalised element. */
  readonly elementwiseAffine?: boolean;
}

/**
 * Divides each sample by the root mean square over its last dimensions (`torch.nn.RMSNorm`).
 *
 * @see Zhang & Sennrich (2019). https://arxiv.org/abs/1910.07467
 */
export class RMSNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly weight: Parameter | undefined;

  constructor(
    normalizedShape: number | readonly number[],
    { eps = 1e-6, elementwiseAffine = true, ...options }: RMSNormOptions = {},
  ) {
    super();
    this.normalizedShape = normalizedSizes('RMSNorm', normalizedShape);
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape, creation(options))) : undefined;
  }

  forward(x: Tensor): Tensor {
    const { weight, eps } = this;
    return rmsNorm(x, this.normalizedShape, { weight, eps });
  }
}
