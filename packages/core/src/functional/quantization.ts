import type { Float8DType } from '../spec/dtype.ts';
import { argumentError } from '../spec/errors.ts';
import { finfo } from '../spec/format.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { abs, add, cast, div, mul, sub, where } from './elementwise.ts';
import { equal } from './logical.ts';
import { amax } from './reduction.ts';

/** Elements in 8 bits, and the float32 number that they were divided by. */
export interface Quantized {
  readonly values: Tensor;
  readonly scale: Tensor;
}

export interface QuantizeOptions {
  /** One float32 number for the whole tensor; by default the largest magnitude over that of the dtype. */
  readonly scale?: Tensor | undefined;
}

/**
 * `x / scale` in an 8-bit float, saturating: with the default scale the largest magnitude becomes the largest number of the
 * dtype (the *current scaling* of Transformer Engine; AMP.md E8). Outside the graph.
 */
export function quantize(x: Tensor, dtype: Float8DType, { scale }: QuantizeOptions = {}): Quantized {
  const wide = cast(x.detach(), 'float32');
  const divisor = scale ?? defaultScale(wide, dtype);
  if (divisor.size !== 1 || divisor.dtype !== 'float32') {
    throw argumentError('invalid-argument', 'quantize', 'the scale must be one float32 number', { x, scale });
  }
  return { values: cast(div(wide, divisor), dtype, { saturate: true }), scale: divisor };
}

/** `values · scale`, in float32. */
export function dequantize({ values, scale }: Quantized): Tensor {
  return mul(cast(values, 'float32'), scale);
}

/** What is left of `x` after `quantize` and `dequantize`, in its own dtype; gradients pass as if nothing had happened. */
export function fakeQuantize(x: Tensor, dtype: Float8DType, options?: QuantizeOptions): Tensor {
  const rounded = cast(dequantize(quantize(x, dtype, options)), x.dtype);
  // x − x is an exact 0 with the gradient 1.
  return add(sub(x, x.detach()), rounded);
}

/** 1 for a tensor of zeros, or of nothing. */
function defaultScale(x: Tensor, dtype: Float8DType): Tensor {
  if (x.size === 0) return cast(x.number(1), 'float32');
  const scale = div(amax(abs(x)), finfo(dtype).max);
  return where(equal(scale, 0), 1, scale);
}
