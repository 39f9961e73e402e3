import { dispatch } from '../dispatch/layers.ts';
import type { DType } from '../spec/dtype.ts';
import { TensorError } from '../spec/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** A tensor or a plain number, which takes part in promotion last (AMP.md D4.3). */
export type Operand = Tensor | number;

/** Both operands as tensors; a number joins the device of the other one. */
function pair(op: string, a: Operand, b: Operand): { a: Tensor; b: Tensor } {
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

/** `a = b`, as bool. */
export function equal(a: Operand, b: Operand): Tensor {
  return dispatch('equal', pair('equal', a, b));
}

/** `a ≠ b`, as bool. */
export function notEqual(a: Operand, b: Operand): Tensor {
  return dispatch('notEqual', pair('notEqual', a, b));
}

/** `a < b`, as bool. */
export function less(a: Operand, b: Operand): Tensor {
  return dispatch('less', pair('less', a, b));
}

/** `a ≤ b`, as bool. */
export function lessEqual(a: Operand, b: Operand): Tensor {
  return dispatch('lessEqual', pair('lessEqual', a, b));
}

/** `a > b`, as bool. */
export function greater(a: Operand, b: Operand): Tensor {
  return dispatch('greater', pair('greater', a, b));
}

/** `a ≥ b`, as bool. */
export function greaterEqual(a: Operand, b: Operand): Tensor {
  return dispatch('greaterEqual', pair('greaterEqual', a, b));
}

/** `a` where the bool tensor `condition` is true, else `b`. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const branch = (x: Operand): Tensor => (typeof x === 'number' ? condition.number(x) : x);
  return dispatch('where', { condition, a: branch(a), b: branch(b) });
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

/** The natural logarithm. */
export function log(x: Tensor): Tensor {
  return dispatch('log', { x });
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
  return mul(x, sigmoid(x));
}

/** `x` limited to `[min, max]`; NaN stays NaN. */
export function clamp(
  x: Tensor,
  { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: { min?: number; max?: number } = {},
): Tensor {
  return dispatch('clamp', { x }, { min, max });
}

/** True where `x` is neither infinite nor NaN. */
export function isFinite(x: Tensor): Tensor {
  return dispatch('isFinite', { x });
}

/** `x` rounded to `dtype`: nearest, ties to even, overflow to infinity (AMP.md D2.1). The same tensor if it has it. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype && !x.isNumber ? x : dispatch('cast', { x }, { dtype });
}

/** The same values in memory of their own. */
export function clone(x: Tensor): Tensor {
  return dispatch('cast', { x }, { dtype: x.dtype });
}
