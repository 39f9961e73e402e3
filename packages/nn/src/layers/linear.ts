import { linear, type Tensor, zeros } from '@halfgrad/core';
import { fans, kaimingUniform, uniform } from '../init.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { creation, drawing, type LayerOptions, requireCounts } from './options.ts';

export interface LinearOptions extends LayerOptions {
  readonly bias?: boolean;
}

/** `y = x Wᵀ + b` on the last dimension, with `weight` `[outFeatures, inFeatures]`. */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(inFeatures: number, outFeatures: number, { bias = true, ...options }: LinearOptions = {}) {
    super();
    requireCounts('Linear', { inFeatures, outFeatures });
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = new Parameter(zeros([outFeatures, inFeatures], creation(options)));
    this.bias = bias ? new Parameter(zeros([outFeatures], creation(options))) : undefined;
    initializeAffine(this.weight, this.bias, options);
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}

/** PyTorch's default for linear layers and convolutions: weights and biases from U(−1/√fanIn, 1/√fanIn). */
export function initializeAffine(weight: Parameter, bias: Parameter | undefined, options: LayerOptions): void {
  // With a = √5 the bound of kaimingUniform is √3 · √(2/6) / √fanIn = 1/√fanIn.
  kaimingUniform(weight, { a: Math.sqrt(5), ...drawing(options) });
  const bound = 1 / Math.sqrt(fans(weight).fanIn);
  if (bias) uniform(bias, -bound, bound, drawing(options));
}
