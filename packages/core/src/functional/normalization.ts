import { dispatch } from '../dispatch/layers.ts';
import { argumentError, TensorError } from '../spec/errors.ts';
import { sameShape } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, div, mul, pow } from './elementwise.ts';
import { expand, narrow, reshape } from './movement.ts';
import { pad } from './padding.ts';

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
  requireEnding('layerNorm', x, normalizedShape);
  return dispatch('layerNorm', { x, weight, bias }, { rank: normalizedShape.length, eps }).out;
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
  return dispatch('groupNorm', { x, weight, bias }, { groups, eps });
}

/**
 * Each channel of each sample normalised on its own: batch norm of samples and channels as one batch of channels, as in
 * PyTorch, so that the result follows the dtype of `x` also under autocast (AMP.md A4).
 */
export function instanceNorm(x: Tensor, { weight, bias, eps = 1e-5 }: AffineOptions = {}): Tensor {
  const [n, channels] = [x.shape[0] as number, x.shape[1] as number];
  const perSample = (values: Tensor | undefined): Tensor | undefined =>
    values && reshape(expand(values, [n, channels]), [n * channels]);
  const rows = reshape(x, [1, n * channels, ...x.shape.slice(2)]);
  return reshape(batchNorm(rows, { weight: perSample(weight), bias: perSample(bias), eps }).out, x.shape);
}

/** `x / √(mean(x²) + ε) · weight` over the last dimensions (Zhang & Sennrich, 2019). */
export function rmsNorm(
  x: Tensor,
  normalizedShape: readonly number[],
  { weight, eps = 1e-6 }: Omit<AffineOptions, 'bias'> = {},
): Tensor {
  requireEnding('rmsNorm', x, normalizedShape);
  return dispatch('rmsNorm', { x, weight }, { rank: normalizedShape.length, eps });
}

/**
 * Divides by the magnitude of the `size` neighbouring channels: `x / (k + α · mean(x²))^β` (`torch.nn.LocalResponseNorm`).
 *
 * @see Krizhevsky et al. (2012), section 3.3.
 */
export function localResponseNorm(
  x: Tensor,
  size: number,
  { alpha = 1e-4, beta = 0.75, k = 1 }: { alpha?: number; beta?: number; k?: number } = {},
): Tensor {
  if (x.shape.length < 2 || !(Number.isInteger(size) && size >= 1)) {
    throw argumentError('invalid-argument', 'localResponseNorm', `cannot sum ${size} channels`, { x });
  }
  const channels = x.shape[1] as number;
  const below = Math.floor(size / 2);
  const beside = x.shape.slice(2).flatMap(() => [0, 0]);
  const squares = pad(mul(x, x), [...beside, below, size - 1 - below]);
  const shifted = Array.from({ length: size }, (_, i) => narrow(squares, 1, i, channels));
  const average = div(shifted.reduce(add), size);
  return div(x, pow(add(mul(average, alpha), k), beta));
}

function requireEnding(op: string, x: Tensor, normalizedShape: readonly number[]): void {
  if (!sameShape(x.shape.slice(x.shape.length - normalizedShape.length), normalizedShape)) {
    throw new TensorError(
      'shape-mismatch',
      `${op}: x [${x.shape.join(',')}] does not end in [${normalizedShape.join(',')}]`,
    );
  }
}
