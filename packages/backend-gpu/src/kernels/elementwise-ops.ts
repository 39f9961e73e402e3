import { type DType, dtypes, resultType, type TensorSpec } from '@halfgrad/core';
import { requireSupported } from '../gl/format.ts';
import type { Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import type { Attempts } from './attempt.ts';
import { copyTexels } from './copy.ts';
import { type ElementwisePass, elementwise, type Operand } from './elementwise.ts';

/** A formula for each category of dtypes that the GPU computes. */
interface Formulas {
  readonly float: string;
  readonly integer?: string;
  readonly bool?: string;
}

type Unary = (inputs: { x: GpuTensor }, attrs: unknown, out: TensorSpec) => GpuTensor | undefined;
type Binary = (inputs: { a: GpuTensor; b: GpuTensor }, attrs: unknown, out: TensorSpec) => GpuTensor | undefined;

export function elementwiseOps(runtime: Runtime): Attempts {
  /** A formula in the dtype of the result. */
  function apply(
    name: string,
    { float, integer, bool }: Formulas,
    tensors: Readonly<Record<string, GpuTensor>>,
    out: TensorSpec,
    uniforms: ElementwisePass['uniforms'] = {},
  ): GpuTensor | undefined {
    const as = requireSupported(out.dtype);
    const formula = { float, integer, bool }[categoryOf(as)];
    if (formula === undefined) return undefined;
    return elementwise(runtime, { name, operands: each(tensors, { as }), uniforms, formula, computes: as }, out);
  }

  const map =
    (name: string, formulas: Formulas): Unary =>
    ({ x }, _, out) =>
      apply(name, formulas, { x }, out);

  const zip =
    (name: string, formulas: Formulas): Binary =>
    ({ a, b }, _, out) =>
      apply(name, formulas, { a, b }, out);

  /** A relation, for integers and for floats that are ordered; `unordered` is what it is beside a NaN. */
  const compare =
    (name: string, relation: string, unordered: 'false' | 'true' = 'false'): Binary =>
    ({ a, b }, _, out) => {
      const as = requireSupported(resultType(a, b));
      const isFloat = categoryOf(as) === 'float';
      const holds = isFloat ? `isNaN(a) || isNaN(b) ? ${unordered} : ${relation}` : relation;
      const operands = each({ a, b }, { as, round: true });
      return elementwise(runtime, { name, operands, formula: `int(${holds})`, computes: 'bool' }, out);
    };

  return {
    add: zip('add', { float: 'a + b', integer: 'a + b', bool: 'a | b' }),
    sub: zip('sub', { float: 'a - b', integer: 'a - b' }),
    mul: zip('mul', { float: 'a * b', integer: 'a * b', bool: 'a & b' }),
    div: zip('div', { float: 'a / b' }),
    pow({ a, b }, _, out) {
      const formula = b.block.number === undefined ? undefined : powers[b.block.number];
      return formula === undefined ? undefined : apply(`pow ${formula}`, { float: formula }, { a }, out);
    },
    maximum: zip('maximum', { float: 'max_(a, b)', integer: 'max(a, b)', bool: 'a | b' }),
    minimum: zip('minimum', { float: 'min_(a, b)', integer: 'min(a, b)', bool: 'a & b' }),
    equal: compare('equal', 'a == b'),
    notEqual: compare('notEqual', 'a != b', 'true'),
    less: compare('less', 'a < b'),
    lessEqual: compare('lessEqual', 'a <= b'),
    greater: compare('greater', 'a > b'),
    greaterEqual: compare('greaterEqual', 'a >= b'),
    where({ condition, a, b }, _, out) {
      const as = requireSupported(out.dtype);
      const operands = { condition: { tensor: condition, as: 'bool' as const }, ...each({ a, b }, { as }) };
      return elementwise(runtime, { name: 'where', operands, formula: 'condition == 0 ? b : a', computes: as }, out);
    },

    neg: map('neg', { float: 'neg_(x)', integer: '-x' }),
    abs: map('abs', { float: 'abs_(x)', integer: 'abs(x)' }),
    sign: map('sign', { float: 'sign_(x)', integer: 'sign(x)', bool: 'x' }),
    exp: map('exp', { float: 'exp_(x)' }),
    log: map('log', { float: 'log_(x)' }),
    sqrt: map('sqrt', { float: 'sqrt_(x)' }),
    rsqrt: map('rsqrt', { float: '1.0 / sqrt_(x)' }),
    reciprocal: map('reciprocal', { float: '1.0 / x' }),
    tanh: map('tanh', { float: 'tanh_(x)' }),
    tanhGrad: ({ gradOut: g, out: y }, _, out) => apply('tanhGrad', { float: 'g * (1.0 - y * y)' }, { g, y }, out),
    sigmoid: map('sigmoid', { float: 'sigmoid_(x)' }),
    sigmoidGrad: ({ gradOut: g, out: y }, _, out) =>
      apply('sigmoidGrad', { float: 'g * (y * (1.0 - y))' }, { g, y }, out),
    softplus: ({ x }, { beta, threshold }, out) =>
      apply('softplus', { float: 'softplus_(x, user_beta, user_threshold)' }, { x }, out, {
        beta: ['Float', beta],
        threshold: ['Float', threshold],
      }),
    relu: map('relu', { float: 'isNaN(x) || x > 0.0 ? x : 0.0', integer: 'max(x, 0)' }),
    reluGrad: ({ gradOut: g, out: y }, _, out) =>
      apply('reluGrad', { float: '!isNaN(y) && y > 0.0 ? g : 0.0' }, { g, y }, out),
    erf: map('erf', { float: 'erf_(x)' }),
    gelu({ x }, { approximate }, out) {
      const cdf = approximate === 'tanh' ? 'tanhCdf' : 'normalCdf';
      return apply(`gelu ${approximate}`, { float: `x * ${cdf}(x)` }, { x }, out);
    },
    geluGrad({ gradOut: g, x }, { approximate }, out) {
      const cdf = approximate === 'tanh' ? 'tanhCdf' : 'normalCdf';
      const slope = approximate === 'tanh' ? 'tanhCdfSlope' : 'normalSlope';
      return apply(`geluGrad ${approximate}`, { float: `g * (${cdf}(x) + x * ${slope}(x))` }, { g, x }, out);
    },
    clamp: ({ x }, { min, max }, out) =>
      apply('clamp', { float: 'clamp_(x, user_low, user_high)' }, { x }, out, {
        low: ['Float', min],
        high: ['Float', max],
      }),
    isFinite({ x }, _, out) {
      const formula = categoryOf(x.dtype) === 'float' ? 'int(isFinite(x))' : '1';
      const operands = each({ x }, { as: x.dtype });
      return elementwise(runtime, { name: 'isFinite', operands, formula, computes: 'bool' }, out);
    },
    cast({ x }, _, out) {
      if (x.dtype === out.dtype) return copyTexels(runtime, x, out);
      return apply('cast', { float: 'x', integer: 'x', bool: 'x' }, { x }, out);
    },
  };
}

/** The exponents that need no logarithm. */
const powers: Readonly<Record<number, string>> = {
  [-1]: '1.0 / a',
  0.5: 'sqrt_(a)',
  1: 'a',
  2: 'a * a',
  3: 'a * a * a',
};

function categoryOf(dtype: DType): keyof Formulas {
  return dtypes[dtype].category;
}

function each(
  tensors: Readonly<Record<string, GpuTensor>>,
  how: Omit<Operand, 'tensor'>,
): Readonly<Record<string, Operand>> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, { tensor, ...how }]));
}
