import { dispatch } from '../dispatch/layers.ts';
import type { DType } from '../spec/dtype.ts';
import { TensorError } from '../spec/errors.ts';
import type { Overflow } from '../spec/float8.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A tensor or a plain number, which takes part in promotion last (AMP.md D4.3). */
export type Operand = Tensor | number;

/** @internal Both operands as tensors; a number joins the device of the other one. */
export function pair(op: string, a: Operand, b: Operand): { a: Tensor; b: Tensor } {
  if (typeof a !== 'number') return { a, b: typeof b === 'number' ? a.number(b) : b };
  if (typeof b !== 'number') return { a: b.number(a), b };
  throw new TensorError('invalid-argument', `${op}: both operands are plain numbers. Make one a tensor.`);
}

/** `a + b`, broadcast and promoted. */
export function add(a: Operand, b: Operand): Tensor {
  return dispatch('add', pair('add', a, b));
}

/** `a − b`, broadcast and promoted. */
export function sub(a: Operand, b: Operand): Tensor {
  return dispatch('sub', pair('sub', a, b));
}

/** `a · b` elementwise, broadcast and promoted. */
export function mul(a: Operand, b: Operand): Tensor {
  return dispatch('mul', pair('mul', a, b));
}

/** `a / b`, true division: integers give float32 (AMP.md D4.5). */
export function div(a: Operand, b: Operand): Tensor {
  return dispatch('div', pair('div', a, b));
}

/** `a` to the power `b`. Autocast widens it to float32, unlike `mul(x, x)` (AMP.md A4.1). */
export function pow(a: Operand, b: Operand): Tensor {
  return dispatch('pow', pair('pow', a, b));
}

/** The larger of two elements; NaN if either is. */
export function maximum(a: Operand, b: Operand): Tensor {
  return dispatch('maximum', pair('maximum', a, b));
}

/** The smaller of two elements; NaN if either is. */
export function minimum(a: Operand, b: Operand): Tensor {
  return dispatch('minimum', pair('minimum', a, b));
}

/** The angle of the point `(b, a)`, in (−π, π] (`torch.atan2`). */
export function atan2(a: Operand, b: Operand): Tensor {
  return dispatch('atan2', pair('atan2', a, b));
}

/** The rest of `a / b` with the sign of `a` (C's `fmod`); an integer modulo 0 is 0. */
export function fmod(a: Operand, b: Operand): Tensor {
  return dispatch('fmod', pair('fmod', a, b));
}

/** The rest of `a / b` with the sign of `b` (Python's `%`); an integer modulo 0 is 0. */
export function remainder(a: Operand, b: Operand): Tensor {
  return dispatch('remainder', pair('remainder', a, b));
}

/** `a + weight · (b − a)`, exact at both ends. `a` and `b` need one dtype, also under autocast (AMP.md A4). */
export function lerp(a: Tensor, b: Tensor, weight: Operand): Tensor {
  return dispatch('lerp', { a, b, weight: typeof weight === 'number' ? a.number(weight) : weight });
}

/** `input + value · a · b`, rounded once. */
export function addcmul(input: Tensor, a: Tensor, b: Tensor, { value = 1 }: { value?: number } = {}): Tensor {
  return dispatch('addcmul', { input, a, b }, { value });
}

/** `input + value · a / b`, rounded once. */
export function addcdiv(input: Tensor, a: Tensor, b: Tensor, { value = 1 }: { value?: number } = {}): Tensor {
  return dispatch('addcdiv', { input, a, b }, { value });
}

/** `a` where the bool tensor `condition` is true, else `b`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const branch = (x: Operand, other: Operand): Tensor => {
    if (typeof x !== 'number') return x;
    return (typeof other === 'number' ? condition : other).number(x);
  };
  return dispatch('where', { condition, a: branch(a, b), b: branch(b, a) });
}

/** `value` wherever the bool tensor `mask` is true (`torch.masked_fill`). */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  return where(mask, x.number(value), x);
}

export function neg(x: Tensor): Tensor {
  return dispatch('neg', { x });
}

export function abs(x: Tensor): Tensor {
  return dispatch('abs', { x });
}

/** −1, 0 or 1. */
export function sign(x: Tensor): Tensor {
  return dispatch('sign', { x });
}

export function exp(x: Tensor): Tensor {
  return dispatch('exp', { x });
}

/** `eˣ − 1`, precise for small `x`. */
export function expm1(x: Tensor): Tensor {
  return dispatch('expm1', { x });
}

/** The natural logarithm. */
export function log(x: Tensor): Tensor {
  return dispatch('log', { x });
}

/** `log(1 + x)`, precise for small `x`. */
export function log1p(x: Tensor): Tensor {
  return dispatch('log1p', { x });
}

export function log2(x: Tensor): Tensor {
  return dispatch('log2', { x });
}

export function log10(x: Tensor): Tensor {
  return dispatch('log10', { x });
}

export function sqrt(x: Tensor): Tensor {
  return dispatch('sqrt', { x });
}

/** `1 / √x`. */
export function rsqrt(x: Tensor): Tensor {
  return dispatch('rsqrt', { x });
}

/** `1 / x`. Autocast widens it to float32 (AMP.md A4.1). */
export function reciprocal(x: Tensor): Tensor {
  return dispatch('reciprocal', { x });
}

/** `x · x`. Written as a power, as in PyTorch, so that autocast widens it (AMP.md A4.1). */
export function square(x: Tensor): Tensor {
  return pow(x, 2);
}

export function sin(x: Tensor): Tensor {
  return dispatch('sin', { x });
}

export function cos(x: Tensor): Tensor {
  return dispatch('cos', { x });
}

export function tan(x: Tensor): Tensor {
  return dispatch('tan', { x });
}

/** The angle in [−π/2, π/2] whose sine is `x`; NaN outside [−1, 1]. */
export function asin(x: Tensor): Tensor {
  return dispatch('asin', { x });
}

/** The angle in [0, π] whose cosine is `x`; NaN outside [−1, 1]. */
export function acos(x: Tensor): Tensor {
  return dispatch('acos', { x });
}

export function atan(x: Tensor): Tensor {
  return dispatch('atan', { x });
}

export function sinh(x: Tensor): Tensor {
  return dispatch('sinh', { x });
}

export function cosh(x: Tensor): Tensor {
  return dispatch('cosh', { x });
}

export function asinh(x: Tensor): Tensor {
  return dispatch('asinh', { x });
}

/** NaN below 1. */
export function acosh(x: Tensor): Tensor {
  return dispatch('acosh', { x });
}

/** Infinite at ±1, NaN beyond. */
export function atanh(x: Tensor): Tensor {
  return dispatch('atanh', { x });
}

/** The largest integer that is not above `x`, in the dtype of `x`; its gradient is 0. */
export function floor(x: Tensor): Tensor {
  return dispatch('floor', { x });
}

/** The smallest integer that is not below `x`, in the dtype of `x`; its gradient is 0. */
export function ceil(x: Tensor): Tensor {
  return dispatch('ceil', { x });
}

/** The nearest integer, ties to even, in the dtype of `x`; its gradient is 0. */
export function round(x: Tensor): Tensor {
  return dispatch('round', { x });
}

/** The integer part, in the dtype of `x`; its gradient is 0. */
export function trunc(x: Tensor): Tensor {
  return dispatch('trunc', { x });
}

/** The error function, `2/√π · ∫₀ˣ e^(−t²) dt`. */
export function erf(x: Tensor): Tensor {
  return dispatch('erf', { x });
}

export function tanh(x: Tensor): Tensor {
  return dispatch('tanh', { x });
}

/** `1 / (1 + e^(−x))`. */
export function sigmoid(x: Tensor): Tensor {
  return dispatch('sigmoid', { x });
}

/** `x` limited to `[min, max]`; NaN stays NaN. */
export function clamp(
  x: Tensor,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: { min?: number; max?: number } = {},
): Tensor {
  return dispatch('clamp', { x }, { min, max });
}

/**
 * `x` rounded to `dtype`: nearest, ties to even, overflow to infinity (AMP.md D2.1). The same tensor if it has it.
 *
 * 8-bit floats only store: `float8_e4m3fn` has no infinity, and makes NaN of what overflows unless told to `saturate`.
 */
export function cast(x: Tensor, dtype: DType, { saturate }: Overflow = {}): Tensor {
  return x.dtype === dtype && !x.isNumber ? x : dispatch('cast', { x }, { dtype, ...(saturate && { saturate }) });
}

/** The same values in memory of their own. */
export function clone(x: Tensor): Tensor {
  return dispatch('cast', { x }, { dtype: x.dtype });
}
