import { type CreateOptions, type PerDim, type RandomOptions, TensorError } from '@halfgrad/core';

/** Where and in which dtype a layer makes its parameters, and the generator that draws them. */
export type LayerOptions = Pick<RandomOptions, 'dtype' | 'device' | 'generator'>;

/** The part of the options that concerns new tensors. */
export function creation({ dtype, device }: LayerOptions): CreateOptions {
  return { ...(dtype && { dtype }), ...(device && { device }) };
}

/** The part of the options that concerns initial values. */
export function drawing({ generator }: LayerOptions): Pick<LayerOptions, 'generator'> {
  return generator ? { generator } : {};
}

/** A kernel size per spatial dimension. */
export function kernelShape(layer: string, size: PerDim, rank: number): readonly number[] {
  const shape = typeof size === 'number' ? new Array<number>(rank).fill(size) : size;
  if (shape.length !== rank || !shape.every((n) => Number.isInteger(n) && n > 0)) {
    throw new TensorError(
      'invalid-argument',
      `${layer}: kernelSize [${shape.join(',')}] is not ${rank} positive integers`,
    );
  }
  return shape;
}

/** @throws TensorError unless every count is a positive integer. */
export function requireCounts(layer: string, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    if (!Number.isInteger(count) || count < 1) {
      throw new TensorError('invalid-argument', `${layer}: ${name} is ${count}. Use a positive integer.`);
    }
  }
}

/** The channels of a convolution, and the groups that they are split into. */
export interface ChannelCounts {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
}

/** @throws TensorError unless the groups divide the channels. */
export function requireGroups(layer: string, counts: ChannelCounts): void {
  const { inChannels, outChannels, groups } = counts;
  requireCounts(layer, { inChannels, outChannels, groups });
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new TensorError(
      'invalid-argument',
      `${layer}: ${groups} groups do not divide ${inChannels} input and ${outChannels} output channels`,
    );
  }
}

/** The sizes of the last dimensions, over which a layer normalises. */
export function normalizedSizes(layer: string, shape: number | readonly number[]): readonly number[] {
  const sizes = typeof shape === 'number' ? [shape] : shape;
  for (const size of sizes) requireCounts(layer, { normalizedShape: size });
  return sizes;
}
