import { dispatch } from '../dispatch/layers.ts';
import { TensorError } from '../spec/errors.ts';
import { sameShape } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, cast, mul, rsqrt } from './elementwise.ts';
import { reshape } from './movement.ts';
import { mean } from './reduction.ts';

export interface AffineOptions {
  readonly weight?: Tensor | undefined;
  readonly bias?: Tensor | undefined;
  readonly eps?: number;
}

/**
 * Normalises the last dimensions, of sizes `normalizedShape`, to zero mean and unit variance.
 *
 *   y = (x − μ) / √(σ² + ε) · weight + bias
 *
 * Statistics are float32 for any 16-bit input: 256 squares of 16 already exceed float16's 65504 (AMP.md D3.5).
 *
 * @see Ba, Kiros & Hinton (2016), eq. 3. https://arxiv.org/abs/1607.06450
 */
export function layerNorm(
  x: Tensor,
  normalizedShape: readonly number[],
  { weight, bias, eps = 1e-5 }: AffineOptions = {},
): Tensor {
  const rank = normalizedShape.length;
  if (!sameShape(x.shape.slice(x.shape.length - rank), normalizedShape)) {
    throw new TensorError(
      'shape-mismatch',
      `layerNorm: x [${x.shape.join(',')}] does not end in [${normalizedShape.join(',')}]`,
    );
  }
  return dispatch('layerNorm', { x, weight, bias }, { rank, eps }).out;
}

/** A batch-normalised tensor, with the statistics of its batch for those who keep running ones. */
export interface BatchNormResult {
  readonly out: Tensor;
  readonly mean: Tensor;
  /** Divided by the number of values, not by one less. */
  readonly variance: Tensor;
}

/**
 * Normalises each channel (dimension 1) over all others, with the statistics given, or with the batch's own.
 *
 * The result follows the dtype of `x`, also with float32 parameters (AMP.md A4.3); statistics are float32.
 *
 * @see Ioffe & Szegedy (2015), algorithm 1. https://arxiv.org/abs/1502.03167
 */
export function batchNorm(
  x: Tensor,
  {
    runningMean,
    runningVar,
    weight,
    bias,
    eps = 1e-5,
  }: AffineOptions & { readonly runningMean?: Tensor | undefined; readonly runningVar?: Tensor | undefined } = {},
): BatchNormResult {
  return dispatch('batchNorm', { x, weight, bias, runningMean, runningVar }, { eps });
}

/** Layer norm over each of `groups` groups of channels, with a weight and bias per channel (Wu & He, 2018). */
export function groupNorm(x: Tensor, groups: number, { weight, bias, eps = 1e-5 }: AffineOptions = {}): Tensor {
  const [n, channels] = [x.shape[0] as number, x.shape[1] as number];
  if (x.shape.length < 2 || channels % groups !== 0) {
    throw new TensorError('shape-mismatch', `groupNorm: ${groups} groups do not divide ${channels} channels`);
  }
  const grouped = reshape(x, [n, groups, -1]);
  return perChannel(reshape(layerNorm(grouped, grouped.shape.slice(2), { eps }), x.shape), weight, bias);
}

/** Each channel of each sample normalised on its own: group norm with as many groups as channels. */
export function instanceNorm(x: Tensor, options: AffineOptions = {}): Tensor {
  return groupNorm(x, x.shape[1] as number, options);
}

/** `x / √(mean(x²) + ε) · weight` over the last dimensions (Zhang & Sennrich, 2019), computed in float32. */
export function rmsNorm(
  x: Tensor,
  normalizedShape: readonly number[],
  { weight, eps = 1e-6 }: Omit<AffineOptions, 'bias'> = {},
): Tensor {
  const dims = normalizedShape.map((_, i) => x.shape.length - normalizedShape.length + i);
  const wide = cast(x, x.dtype === 'float64' ? 'float64' : 'float32');
  const scaled = mul(wide, rsqrt(add(mean(mul(wide, wide), dims, { keepDim: true }), eps)));
  return cast(weight ? mul(scaled, weight) : scaled, x.dtype);
}

function perChannel(x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined): Tensor {
  const shape = [-1, ...x.shape.slice(2).map(() => 1)];
  const scaled = weight ? mul(x, reshape(weight, shape)) : x;
  return bias ? add(scaled, reshape(bias, shape)) : scaled;
}
