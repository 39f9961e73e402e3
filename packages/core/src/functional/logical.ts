import { dispatch } from '../dispatch/layers.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, cast, mul, type Operand, pair } from './elementwise.ts';

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

/** True where `x` is neither infinite nor NaN. */
export function isFinite(x: Tensor): Tensor {
  return dispatch('isFinite', { x });
}

/** True where `x` is NaN. */
export function isNaN(x: Tensor): Tensor {
  return dispatch('isNaN', { x });
}

/** True where `x` is infinite, of either sign. */
export function isInf(x: Tensor): Tensor {
  return dispatch('isInf', { x });
}

/** True where both are not zero; NaN is not zero. */
export function logicalAnd(a: Tensor, b: Tensor): Tensor {
  return mul(cast(a, 'bool'), cast(b, 'bool'));
}

/** True where either is not zero. */
export function logicalOr(a: Tensor, b: Tensor): Tensor {
  return add(cast(a, 'bool'), cast(b, 'bool'));
}

/** True where exactly one is not zero. */
export function logicalXor(a: Tensor, b: Tensor): Tensor {
  return notEqual(cast(a, 'bool'), cast(b, 'bool'));
}

/** True where `x` is zero. */
export function logicalNot(x: Tensor): Tensor {
  return equal(x, 0);
}
