import { dispatch } from '../dispatch/layers.ts';
import { argumentError } from '../spec/errors.ts';
import { normalizeDim } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { abs, clamp, neg, sub, where } from './elementwise.ts';
import { lessEqual } from './logical.ts';
import { reshape } from './movement.ts';
import { type DTypeOption, softmax } from './reduction.ts';

/** `log(1 + e^(βx)) / β`, and `x` itself where `βx > threshold`. */
export function softplus(x: Tensor, { beta = 1, threshold = 20 }: { beta?: number; threshold?: number } = {}): Tensor {
  return dispatch('softplus', { x }, { beta, threshold });
}

/** `max(x, 0)`; NaN stays NaN. */
export function relu(x: Tensor): Tensor {
  return dispatch('relu', { x });
}

/**
 * The Gaussian error linear unit, `x · Φ(x)`.
 *
 * `approximate: 'tanh'` is `x/2 · (1 + tanh(√(2/π) · (x + 0.044715x³)))`.
 *
 * @see Hendrycks & Gimpel (2016). https://arxiv.org/abs/1606.08415
 */
export function gelu(x: Tensor, { approximate = 'none' }: { approximate?: 'none' | 'tanh' } = {}): Tensor {
  return dispatch('gelu', { x }, { approximate });
}

/** `x · sigmoid(x)`, also called swish. */
export function silu(x: Tensor): Tensor {
  return dispatch('silu', { x });
}

/** `x · tanh(softplus(x))` (Misra, 2019). */
export function mish(x: Tensor): Tensor {
  return dispatch('mish', { x });
}

/** `x` above 0, else `α · (eˣ − 1)`. */
export function elu(x: Tensor, { alpha = 1 }: { alpha?: number } = {}): Tensor {
  return dispatch('elu', { x }, { alpha, scale: 1, inputScale: 1 });
}

/** `elu` with the α and the factor that keep zero mean and unit variance from layer to layer (Klambauer et al., 2017). */
export function selu(x: Tensor): Tensor {
  return dispatch('elu', { x }, { alpha: 1.6732632423543772, scale: 1.0507009873554805, inputScale: 1 });
}

/** `x` above 0, else `α · (e^(x/α) − 1)`, which has slope 1 at 0 for every α (Barron, 2017). */
export function celu(x: Tensor, { alpha = 1 }: { alpha?: number } = {}): Tensor {
  return dispatch('elu', { x }, { alpha, scale: 1, inputScale: 1 / alpha });
}

/** `x` above 0, else `negativeSlope · x`. */
export function leakyRelu(x: Tensor, { negativeSlope = 0.01 }: { negativeSlope?: number } = {}): Tensor {
  return dispatch('leakyRelu', { x }, { negativeSlope });
}

/**
 * `leakyRelu` with a learned slope: one for all, or one per channel (dimension 1).
 *
 * Autocast runs it in 16 bit (AMP.md A2).
 */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  const channels = x.shape[1] ?? 1;
  if (weight.size !== 1 && !(weight.rank === 1 && weight.size === channels)) {
    throw argumentError('shape-mismatch', 'prelu', `weight needs 1 or ${channels} elements`, { x, weight });
  }
  const slopes = x.rank < 2 ? x.shape.map(() => 1) : [-1, ...x.shape.slice(2).map(() => 1)];
  return dispatch('prelu', { x, weight: reshape(weight, slopes) });
}

/** `log(sigmoid(x))`, finite where the sigmoid has underflowed. */
export function logSigmoid(x: Tensor): Tensor {
  return dispatch('logSigmoid', { x });
}

/** The first half of `dim`, times the sigmoid of the second (Dauphin et al., 2016). */
export function glu(x: Tensor, dim = -1): Tensor {
  return dispatch('glu', { x }, { dim: normalizeDim('glu', dim, x.shape.length) });
}

/** `x / 6 + 1/2`, limited to [0, 1]. */
export function hardsigmoid(x: Tensor): Tensor {
  return dispatch('hardsigmoid', { x });
}

/** `x · hardsigmoid(x)` (Howard et al., 2019). */
export function hardswish(x: Tensor): Tensor {
  return dispatch('hardswish', { x });
}

/** `x / (1 + |x|)`. */
export function softsign(x: Tensor): Tensor {
  return dispatch('softsign', { x });
}

/** `x − tanh(x)`. */
export function tanhshrink(x: Tensor): Tensor {
  return dispatch('tanhshrink', { x });
}

/** `x` limited to `[min, max]`. Unlike that of `clamp`, its slope on the bounds is 0, as in PyTorch. */
export function hardtanh(x: Tensor, { min = -1, max = 1 }: { min?: number; max?: number } = {}): Tensor {
  return dispatch('hardtanh', { x }, { min, max });
}

/** `x` limited to [0, 6]. */
export function relu6(x: Tensor): Tensor {
  return hardtanh(x, { min: 0, max: 6 });
}

/** `x` moved towards 0 by `lambda`, and 0 within it. */
export function softshrink(x: Tensor, { lambda = 0.5 }: { lambda?: number } = {}): Tensor {
  return sub(x, clamp(x, { min: -lambda, max: lambda }));
}

/** `x`, but 0 from −`lambda` to `lambda`. */
export function hardshrink(x: Tensor, { lambda = 0.5 }: { lambda?: number } = {}): Tensor {
  return where(lessEqual(abs(x), lambda), 0, x);
}

/** `x` above `bound`, else `value`. */
export function threshold(x: Tensor, bound: number, value: number): Tensor {
  return where(lessEqual(x, bound), value, x);
}

/** The softmax of `−x`. */
export function softmin(x: Tensor, dim: number, options?: DTypeOption): Tensor {
  return softmax(neg(x), dim, options);
}
