import { add, cast, clamp, computeDType, div, mul, noGrad, norm, stack, type Tensor, zeros } from '@halfgrad/core';
import { requireNonNegative } from './options.ts';
import { requireUnscaled } from './require-unscaled.ts';

export interface ClipGradNormOptions {
  /** The p of the norm; `Infinity` is the largest magnitude. */
  readonly normType?: number;
}

/**
 * Scales all gradients so that their joint norm is at most `maxNorm`, and returns the norm they had
 * (`torch.nn.utils.clip_grad_norm_`).
 *
 *   g = g · min(1, maxNorm / (norm + 10⁻⁶))
 *
 * Never waits for the device.
 *
 * @throws TensorError `scaled-gradients` before the scaler has unscaled them: the limit is for true gradients (AMP.md B7.1).
 */
export function clipGradNorm(
  params: Iterable<Tensor>,
  maxNorm: number,
  { normType = 2 }: ClipGradNormOptions = {},
): Tensor {
  requireNonNegative('clipGradNorm', { maxNorm });
  const tensors = [...params];
  requireTrueGradients('clipGradNorm', tensors);
  const grads = tensors.flatMap(({ grad }) => grad ?? []);
  if (grads.length === 0) return zeros([], tensors[0] && { device: tensors[0].device });
  return noGrad(() => {
    const total = wideNorm(stack(grads.map((grad) => wideNorm(grad, normType))), normType);
    const coefficient = clamp(div(maxNorm, add(total, 1e-6)), { max: 1 });
    replaceGrads(tensors, (grad) => mul(grad, coefficient));
    return total;
  });
}

/** Limits every element of every gradient to [−`clipValue`, `clipValue`] (`torch.nn.utils.clip_grad_value_`). */
export function clipGradValue(params: Iterable<Tensor>, clipValue: number): void {
  requireNonNegative('clipGradValue', { clipValue });
  const tensors = [...params];
  requireTrueGradients('clipGradValue', tensors);
  noGrad(() => replaceGrads(tensors, (grad) => clamp(grad, { min: -clipValue, max: clipValue })));
}

/** The norm, squared and summed in float32 for 16-bit gradients and rounded once. */
function wideNorm(x: Tensor, p: number): Tensor {
  return cast(norm(cast(x, computeDType(x.dtype)), p), x.dtype);
}

function replaceGrads(params: readonly Tensor[], replace: (grad: Tensor) => Tensor): void {
  for (const param of params) {
    const { grad } = param;
    if (!grad) continue;
    const replaced = replace(grad);
    replaced.lossScale = grad.lossScale;
    param.grad = replaced;
  }
}

function requireTrueGradients(op: string, params: readonly Tensor[]): void {
  const named = params.map((param, i) => [String(i), param] as const);
  requireUnscaled(op, named, 'Call scaler.unscale(optimizer) first: the limit is for true gradients.');
}
