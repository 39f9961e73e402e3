import { dispatch } from '../dispatch/layers.ts';
import type { PoolWindow } from '../ops/signatures.ts';
import { TensorError } from '../spec/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type PerDim, perDim } from './contraction.ts';
import { abs, pow } from './elementwise.ts';

interface PoolOptions {
  /** Defaults to the kernel size. */
  readonly stride?: PerDim;
  readonly padding?: PerDim;
  /** Also keeps a last window that starts inside the padded input but reaches beyond it. */
  readonly ceilMode?: boolean;
}

export interface MaxPoolOptions extends PoolOptions {
  readonly dilation?: PerDim;
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding zeros count in the divisor. */
  readonly countIncludePad?: boolean;
}

/** The maximum of each window of the last dimension (`torch.nn.functional.max_pool1d`). */
export function maxPool1d(x: Tensor, kernelSize: PerDim, options: MaxPoolOptions = {}): Tensor {
  return dispatch('maxPool', { x }, { windows: strided('maxPool1d', 1, x, kernelSize, options) }).out;
}

/** The maximum of each window of the last two dimensions (`torch.nn.functional.max_pool2d`). */
export function maxPool2d(x: Tensor, kernelSize: PerDim, options: MaxPoolOptions = {}): Tensor {
  return dispatch('maxPool', { x }, { windows: strided('maxPool2d', 2, x, kernelSize, options) }).out;
}

/** The maximum of each window of the last three dimensions (`torch.nn.functional.max_pool3d`). */
export function maxPool3d(x: Tensor, kernelSize: PerDim, options: MaxPoolOptions = {}): Tensor {
  return dispatch('maxPool', { x }, { windows: strided('maxPool3d', 3, x, kernelSize, options) }).out;
}

/** The average of each window of the last dimension (`torch.nn.functional.avg_pool1d`). */
export function avgPool1d(x: Tensor, kernelSize: PerDim, options: AvgPoolOptions = {}): Tensor {
  return dispatch('avgPool', { x }, { windows: strided('avgPool1d', 1, x, kernelSize, options) });
}

/** The average of each window of the last two dimensions (`torch.nn.functional.avg_pool2d`). */
export function avgPool2d(x: Tensor, kernelSize: PerDim, options: AvgPoolOptions = {}): Tensor {
  return dispatch('avgPool', { x }, { windows: strided('avgPool2d', 2, x, kernelSize, options) });
}

/** The average of each window of the last three dimensions (`torch.nn.functional.avg_pool3d`). */
export function avgPool3d(x: Tensor, kernelSize: PerDim, options: AvgPoolOptions = {}): Tensor {
  return dispatch('avgPool', { x }, { windows: strided('avgPool3d', 3, x, kernelSize, options) });
}

/** Averages over `outputSize` nearly equal windows per dimension (`torch.nn.functional.adaptive_avg_pool1d`). */
export function adaptiveAvgPool1d(x: Tensor, outputSize: PerDim): Tensor {
  return dispatch('avgPool', { x }, { windows: adaptive('adaptiveAvgPool1d', 1, x, outputSize) });
}

/** Averages over `outputSize` nearly equal windows per dimension (`torch.nn.functional.adaptive_avg_pool2d`). */
export function adaptiveAvgPool2d(x: Tensor, outputSize: PerDim): Tensor {
  return dispatch('avgPool', { x }, { windows: adaptive('adaptiveAvgPool2d', 2, x, outputSize) });
}

/** Averages over `outputSize` nearly equal windows per dimension (`torch.nn.functional.adaptive_avg_pool3d`). */
export function adaptiveAvgPool3d(x: Tensor, outputSize: PerDim): Tensor {
  return dispatch('avgPool', { x }, { windows: adaptive('adaptiveAvgPool3d', 3, x, outputSize) });
}

/** Maxima over `outputSize` nearly equal windows per dimension (`torch.nn.functional.adaptive_max_pool1d`). */
export function adaptiveMaxPool1d(x: Tensor, outputSize: PerDim): Tensor {
  return dispatch('maxPool', { x }, { windows: adaptive('adaptiveMaxPool1d', 1, x, outputSize) }).out;
}

/** Maxima over `outputSize` nearly equal windows per dimension (`torch.nn.functional.adaptive_max_pool2d`). */
export function adaptiveMaxPool2d(x: Tensor, outputSize: PerDim): Tensor {
  return dispatch('maxPool', { x }, { windows: adaptive('adaptiveMaxPool2d', 2, x, outputSize) }).out;
}

/** Maxima over `outputSize` nearly equal windows per dimension (`torch.nn.functional.adaptive_max_pool3d`). */
export function adaptiveMaxPool3d(x: Tensor, outputSize: PerDim): Tensor {
  return dispatch('maxPool', { x }, { windows: adaptive('adaptiveMaxPool3d', 3, x, outputSize) }).out;
}

/** `(Σ |x|ᵖ)^(1/p)` of each window of the last dimension (`torch.nn.functional.lp_pool1d`). */
export function lpPool1d(x: Tensor, p: number, kernelSize: PerDim, options: PoolOptions = {}): Tensor {
  return lpPool('lpPool1d', 1, x, p, kernelSize, options);
}

/** `(Σ |x|ᵖ)^(1/p)` of each window of the last two dimensions (`torch.nn.functional.lp_pool2d`). */
export function lpPool2d(x: Tensor, p: number, kernelSize: PerDim, options: PoolOptions = {}): Tensor {
  return lpPool('lpPool2d', 2, x, p, kernelSize, options);
}

/** `(Σ |x|ᵖ)^(1/p)` of each window of the last three dimensions (`torch.nn.functional.lp_pool3d`). */
export function lpPool3d(x: Tensor, p: number, kernelSize: PerDim, options: PoolOptions = {}): Tensor {
  return lpPool('lpPool3d', 3, x, p, kernelSize, options);
}

function lpPool(op: string, rank: number, x: Tensor, p: number, kernelSize: PerDim, options: PoolOptions): Tensor {
  if (!(p > 0)) throw new TensorError('invalid-argument', `${op}: p is ${p}. Use a positive number.`);
  const windows = strided(op, rank, x, kernelSize, options);
  // An average that divides by 1 is a sum.
  const sums = windows.map((dim) => dim.map((window): PoolWindow => ({ ...window, count: 1 })));
  return pow(dispatch('avgPool', { x: pow(abs(x), p) }, { windows: sums }), 1 / p);
}

function strided(
  op: string,
  rank: number,
  x: Tensor,
  kernelSize: PerDim,
  {
    stride = kernelSize,
    padding = 0,
    dilation = 1,
    ceilMode = false,
    countIncludePad = true,
  }: MaxPoolOptions & AvgPoolOptions,
): PoolWindow[][] {
  const [kernels, strides, pads, dilations] = [kernelSize, stride, padding, dilation].map((v) =>
    perDim(op, v, rank),
  ) as [readonly number[], readonly number[], readonly number[], readonly number[]];
  return spatialSizes(op, rank, x).map((size, i) => {
    const [kernel, step, low, spacing] = [kernels[i], strides[i], pads[i], dilations[i]] as [
      number,
      number,
      number,
      number,
    ];
    if (!(kernel >= 1 && step >= 1 && low >= 0 && spacing >= 1) || 2 * low > kernel) {
      throw new TensorError(
        'invalid-argument',
        `${op}: kernel ${kernel}, stride ${step}, padding ${low}: padding may be at most half the kernel`,
      );
    }
    const reach = spacing * (kernel - 1) + 1;
    const steps = (size + 2 * low - reach) / step;
    let count = (ceilMode ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A last window that would start in the padding behind the input is dropped.
    if (ceilMode && (count - 1) * step >= size + low) count--;
    if (count < 1)
      throw new TensorError(
        'shape-mismatch',
        `${op}: the kernel spans ${reach}, the padded input only ${size + 2 * low}`,
      );
    return Array.from({ length: count }, (_, position): PoolWindow => {
      const first = position * step - low;
      const start = first < 0 ? first + Math.ceil(-first / spacing) * spacing : first;
      const end = Math.min(first + reach, size);
      const padded = Math.min(first + reach, size + low) - first;
      return { start, end, step: spacing, count: countIncludePad ? padded : end - start };
    });
  });
}

/** Window `i` of `n` over `size` is ⌊i·size/n⌋ to ⌈(i+1)·size/n⌉. */
function adaptive(op: string, rank: number, x: Tensor, outputSize: PerDim): PoolWindow[][] {
  const outputs = perDim(op, outputSize, rank);
  return spatialSizes(op, rank, x).map((size, i) => {
    const n = outputs[i] as number;
    if (!Number.isInteger(n) || n < 1)
      throw new TensorError('invalid-argument', `${op}: outputSize ${n} is not positive`);
    return Array.from({ length: n }, (_, position): PoolWindow => {
      const start = Math.floor((position * size) / n);
      const end = Math.ceil(((position + 1) * size) / n);
      return { start, end, step: 1, count: end - start };
    });
  });
}

function spatialSizes(op: string, rank: number, x: Tensor): readonly number[] {
  if (x.shape.length < rank + 1) {
    throw new TensorError('shape-mismatch', `${op}: x needs ${rank + 2} dimensions, has ${x.shape.length}`);
  }
  return x.shape.slice(-rank);
}
