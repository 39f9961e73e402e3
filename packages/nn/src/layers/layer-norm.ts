import { layerNorm, ones, type Tensor, zeros } from '@halfgrad/core';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { creation, type LayerOptions, normalizedSizes } from './options.ts';

export interface LayerNormOptions extends LayerOptions {
  readonly eps?: number;
  /** Whether there is a learned weight (and bias) per normalised element. */
  readonly elementwiseAffine?: boolean;
  readonly bias?: boolean;
}

/**
 * Normalises each sample over its last dimensions, whose sizes are `normalizedShape` (`torch.nn.LayerNorm`).
 *
 * @see Ba, Kiros & Hinton (2016). https://arxiv.org/abs/1607.06450
 */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;

  constructor(
    normalizedShape: number | readonly number[],
    { eps = 1e-5, elementwiseAffine = true, bias = true, ...options }: LayerNormOptions = {},
  ) {
    super();
    const shape = normalizedSizes('LayerNorm', normalizedShape);
    this.normalizedShape = shape;
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(shape, creation(options))) : undefined;
    this.bias = elementwiseAffine && bias ? new Parameter(zeros(shape, creation(options))) : undefined;
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return layerNorm(x, this.normalizedShape, { weight, bias, eps });
  }
}
