import { dispatch } from '../dispatch/layers.ts';
import type { DecomposedOp } from '../functional/decompositions.ts';
import {
  add,
  cast,
  cos,
  cosh,
  div,
  exp,
  log,
  maximum,
  mul,
  neg,
  type Operand,
  pow,
  round,
  rsqrt,
  sigmoid,
  sign,
  sin,
  sinh,
  sub,
  tanh,
  where,
} from '../functional/elementwise.ts';
import { equal, greater, greaterEqual, less, lessEqual } from '../functional/logical.ts';
import { clampedLog } from '../functional/loss-decompositions.ts';
import { concat, expand, flip, narrow, permute, reshape, slice } from '../functional/movement.ts';
import { pad } from '../functional/padding.ts';
import { mean, reducedCount, sum } from '../functional/reduction.ts';
import type {
  Attrs,
  DimPadding,
  DimSlice,
  Inputs,
  LossReduction,
  OpName,
  Outputs,
  Reduction,
} from '../ops/signatures.ts';
import { computeDType } from '../spec/dtype.ts';
import { sizeOf } from '../spec/shape.ts';
import type { TensorSpec } from '../spec/spec.ts';
import type { Tensor } from '../tensor/tensor.ts';

type Named<K extends OpName> = Inputs<K, Tensor> & Outputs<K, Tensor>;

/** What a formula may read: the incoming gradient, the saved tensors, the specs of everything, and who needs one. */
type Scope<K extends OpName, S extends keyof Named<K>> = Pick<Named<K>, S> & {
  readonly grad: Tensor;
  readonly attrs: Attrs<K>;
  readonly specs: {
    readonly [N in keyof Named<K>]: Named<K>[N] extends readonly unknown[] ? readonly TensorSpec[] : TensorSpec;
  };
  readonly needs: { readonly [I in keyof Inputs<K, Tensor>]: boolean };
};

type Gradients<K extends OpName> = { readonly [I in keyof Inputs<K, Tensor>]?: Inputs<K, Tensor>[I] | undefined };

/** How to pull the gradient of an op's `out` back to its inputs. */
export interface Derivative<K extends OpName> {
  /** Kept alive until backward; formulas can read nothing else. */
  readonly saves: readonly (keyof Named<K>)[];
  readonly pullback: (scope: never) => Gradients<K>;
}

/** One formula per input, evaluated only where a gradient is needed. An input left out gets none. */
function derivative<K extends OpName, const S extends readonly (keyof Named<K>)[]>(
  saves: S,
  formulas: { readonly [I in keyof Inputs<K, Tensor>]?: (scope: Scope<K, S[number]>) => Inputs<K, Tensor>[I] },
): Derivative<K> {
  return {
    saves,
    pullback(scope: Scope<K, S[number]>) {
      const gradients: { -readonly [I in keyof Inputs<K, Tensor>]?: Inputs<K, Tensor>[I] } = {};
      for (const name in formulas) {
        const formula = formulas[name];
        if (formula && scope.needs[name]) gradients[name] = formula(scope);
      }
      return gradients;
    },
  };
}

/** One formula for several inputs at once, where a fused backward pass computes them together. */
function jointly<K extends OpName, const S extends readonly (keyof Named<K>)[]>(
  saves: S,
  pullback: (scope: Scope<K, S[number]>) => Gradients<K>,
): Derivative<K> {
  return { saves, pullback };
}

/** `'decomposed'`: recorded as its decomposition, and so differentiable as often as one likes. */
export type DerivativeRow<K extends OpName> =
  | Derivative<K>
  | 'not differentiable'
  | (K extends DecomposedOp ? 'decomposed' : never);

/**
 * Table 2 of 5: the chain rule, one row per op. Formulas ignore broadcasting and dtype promotion: the engine sums and
 * casts each gradient to the spec of its input.
 */
export const derivatives: { readonly [K in OpName]: DerivativeRow<K> } = {
  add: derivative([], { a: ({ grad }) => grad, b: ({ grad }) => grad }),
  sub: derivative([], { a: ({ grad }) => grad, b: ({ grad }) => neg(grad) }),
  mul: derivative(['a', 'b'], { a: ({ grad, b }) => mul(grad, b), b: ({ grad, a }) => mul(grad, a) }),
  div: derivative(['b', 'out'], {
    a: ({ grad, b }) => div(grad, b),
    b: ({ grad, b, out }) => neg(div(mul(grad, out), b)),
  }),
  // A base of 0 has a slope of 0 with the exponent 0, and none in the exponent: neither 0 · ∞ nor log 0 may make a NaN.
  pow: derivative(['a', 'b', 'out'], {
    a: ({ grad, a, b }) => mul(grad, mul(b, pow(where(equal(b, 0), nonZero(a), a), sub(b, 1)))),
    b: ({ grad, a, out }) => mul(grad, mul(out, log(nonZero(a)))),
  }),
  maximum: derivative(['a', 'b'], {
    a: ({ grad, a, b }) => where(less(a, b), 0, halveTies(grad, a, b)),
    b: ({ grad, a, b }) => where(less(b, a), 0, halveTies(grad, a, b)),
  }),
  minimum: derivative(['a', 'b'], {
    a: ({ grad, a, b }) => where(less(b, a), 0, halveTies(grad, a, b)),
    b: ({ grad, a, b }) => where(less(a, b), 0, halveTies(grad, a, b)),
  }),
  // ∂ atan2(a, b) = (b ∂a − a ∂b) / (a² + b²)
  atan2: derivative(['a', 'b'], {
    a: ({ grad, a, b }) => div(mul(wide(grad), b), squaredLength(wide(a), wide(b))),
    b: ({ grad, a, b }) => neg(div(mul(wide(grad), a), squaredLength(wide(a), wide(b)))),
  }),
  // a − b · n, and the integer n does not move.
  fmod: derivative(['a', 'b', 'out'], {
    a: ({ grad }) => grad,
    b: ({ grad, a, b, out }) => neg(mul(grad, round(div(sub(a, out), b)))),
  }),
  remainder: derivative(['a', 'b', 'out'], {
    a: ({ grad }) => grad,
    b: ({ grad, a, b, out }) => neg(mul(grad, round(div(sub(a, out), b)))),
  }),
  equal: 'not differentiable',
  notEqual: 'not differentiable',
  less: 'not differentiable',
  lessEqual: 'not differentiable',
  greater: 'not differentiable',
  greaterEqual: 'not differentiable',
  where: derivative(['condition'], {
    a: ({ grad, condition }) => where(condition, grad, 0),
    b: ({ grad, condition }) => where(condition, 0, grad),
  }),
  lerp: derivative(['a', 'b', 'weight'], {
    a: ({ grad, weight }) => mul(grad, sub(1, weight)),
    b: ({ grad, weight }) => mul(grad, weight),
    weight: ({ grad, a, b }) => mul(grad, sub(b, a)),
  }),
  addcmul: derivative(['a', 'b'], {
    input: ({ grad }) => grad,
    a: ({ grad, b, attrs: { value } }) => mul(wide(grad), mul(wide(b), value)),
    b: ({ grad, a, attrs: { value } }) => mul(wide(grad), mul(wide(a), value)),
  }),
  addcdiv: derivative(['a', 'b'], {
    input: ({ grad }) => grad,
    a: ({ grad, b, attrs: { value } }) => div(mul(wide(grad), value), b),
    b: ({ grad, a, b, attrs: { value } }) => neg(div(mul(mul(wide(grad), value), a), mul(wide(b), b))),
  }),

  neg: derivative([], { x: ({ grad }) => neg(grad) }),
  abs: derivative(['x'], { x: ({ grad, x }) => mul(grad, sign(x)) }),
  sign: derivative([], { x: ({ grad }) => mul(grad, 0) }),
  exp: derivative(['out'], { x: ({ grad, out }) => mul(grad, out) }),
  expm1: derivative(['out'], { x: ({ grad, out }) => mul(grad, add(out, 1)) }),
  log: derivative(['x'], { x: ({ grad, x }) => div(grad, x) }),
  log1p: derivative(['x'], { x: ({ grad, x }) => div(grad, add(x, 1)) }),
  log2: derivative(['x'], { x: ({ grad, x }) => div(grad, mul(x, Math.LN2)) }),
  log10: derivative(['x'], { x: ({ grad, x }) => div(grad, mul(x, Math.LN10)) }),
  sqrt: derivative(['out'], { x: ({ grad, out }) => div(grad, mul(out, 2)) }),
  rsqrt: derivative(['out'], { x: ({ grad, out }) => mul(mul(grad, -0.5), mul(out, mul(out, out))) }),
  reciprocal: derivative(['out'], { x: ({ grad, out }) => neg(mul(grad, mul(out, out))) }),
  sin: derivative(['x'], { x: ({ grad, x }) => mul(grad, cos(x)) }),
  cos: derivative(['x'], { x: ({ grad, x }) => neg(mul(grad, sin(x))) }),
  tan: derivative(['out'], { x: ({ grad, out }) => mul(grad, add(mul(out, out), 1)) }),
  asin: derivative(['x'], { x: ({ grad, x }) => mul(grad, rsqrt(sub(1, mul(x, x)))) }),
  acos: derivative(['x'], { x: ({ grad, x }) => neg(mul(grad, rsqrt(sub(1, mul(x, x))))) }),
  atan: derivative(['x'], { x: ({ grad, x }) => div(grad, squaredLength(wide(x), 1)) }),
  sinh: derivative(['x'], { x: ({ grad, x }) => mul(grad, cosh(x)) }),
  cosh: derivative(['x'], { x: ({ grad, x }) => mul(grad, sinh(x)) }),
  asinh: derivative(['x'], { x: ({ grad, x }) => mul(grad, rsqrt(squaredLength(wide(x), 1))) }),
  acosh: derivative(['x'], { x: ({ grad, x }) => mul(grad, rsqrt(sub(mul(wide(x), x), 1))) }),
  atanh: derivative(['x'], { x: ({ grad, x }) => div(grad, sub(1, mul(wide(x), x))) }),
  floor: derivative([], { x: ({ grad }) => mul(grad, 0) }),
  ceil: derivative([], { x: ({ grad }) => mul(grad, 0) }),
  round: derivative([], { x: ({ grad }) => mul(grad, 0) }),
  trunc: derivative([], { x: ({ grad }) => mul(grad, 0) }),
  // 2/√π · e^(−x²)
  erf: derivative(['x'], { x: ({ grad, x }) => mul(grad, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))) }),
  tanh: derivative(['out'], { x: ({ grad, out }) => dispatch('tanhGrad', { gradOut: grad, out }) }),
  tanhGrad: 'decomposed',
  sigmoid: derivative(['out'], { x: ({ grad, out }) => dispatch('sigmoidGrad', { gradOut: grad, out }) }),
  sigmoidGrad: 'decomposed',
  softplus: derivative(['x'], {
    x: ({ grad, x, attrs: { beta, threshold } }) =>
      mul(grad, where(less(mul(x, beta), threshold), dispatch('sigmoid', { x: mul(x, beta) }), 1)),
  }),
  relu: derivative(['out'], { x: ({ grad, out }) => dispatch('reluGrad', { gradOut: grad, out }) }),
  reluGrad: 'decomposed',
  gelu: derivative(['x'], { x: ({ grad, x, attrs }) => dispatch('geluGrad', { gradOut: grad, x }, attrs) }),
  geluGrad: 'decomposed',
  // ∂(xσ) = σ + xσ(1 − σ)
  silu: derivative(['x'], {
    x: ({ grad, x }) => {
      const s = sigmoid(wide(x));
      return mul(grad, mul(s, add(mul(x, sub(1, s)), 1)));
    },
  }),
  // ∂(xt) = t + xσ(1 − t²),  t = tanh(log(1 + eˣ))
  mish: derivative(['x'], {
    x: ({ grad, x }) => {
      const t = tanh(dispatch('softplus', { x: wide(x) }, { beta: 1, threshold: 20 }));
      return mul(grad, add(t, mul(mul(x, sigmoid(wide(x))), sub(1, mul(t, t)))));
    },
  }),
  elu: derivative(['x'], {
    x: ({ grad, x, attrs: { alpha, scale, inputScale } }) => {
      const below = mul(exp(mul(where(greater(x, 0), 0, wide(x)), inputScale)), scale * alpha * inputScale);
      return mul(grad, where(greater(x, 0), scale, below));
    },
  }),
  leakyRelu: derivative(['x'], {
    x: ({ grad, x, attrs: { negativeSlope } }) => where(greater(x, 0), grad, mul(grad, negativeSlope)),
  }),
  prelu: derivative(['x', 'weight'], {
    x: ({ grad, x, weight }) => where(greater(x, 0), grad, mul(grad, weight)),
    weight: ({ grad, x }) => where(greater(x, 0), 0, mul(grad, x)),
  }),
  logSigmoid: derivative(['x'], { x: ({ grad, x }) => mul(grad, sigmoid(neg(wide(x)))) }),
  glu: derivative(['x'], {
    x: ({ grad, x, attrs: { dim } }) => {
      const size = (x.shape[dim] as number) / 2;
      const gate = sigmoid(wide(narrow(x, dim, size, size)));
      const gradGate = mul(wide(grad), narrow(x, dim, 0, size));
      return concat([mul(grad, gate), dispatch('sigmoidGrad', { gradOut: gradGate, out: gate })], dim);
    },
  }),
  hardtanh: derivative(['x'], {
    x: ({ grad, x, attrs: { min, max } }) => where(greater(x, min), where(less(x, max), grad, 0), 0),
  }),
  hardsigmoid: derivative(['x'], {
    // PyTorch's slope is the float32 next to 1/6, in float64 too.
    x: ({ grad, x }) => where(greater(x, -3), where(less(x, 3), mul(grad, Math.fround(1 / 6)), 0), 0),
  }),
  hardswish: derivative(['x'], {
    x: ({ grad, x }) => {
      const between = mul(grad, add(div(wide(x), 3), 0.5));
      return where(greater(x, -3), where(less(x, 3), between, grad), 0);
    },
  }),
  softsign: derivative(['x'], {
    x: ({ grad, x }) => {
      const denominator = add(mul(wide(x), sign(x)), 1);
      return div(grad, mul(denominator, denominator));
    },
  }),
  tanhshrink: derivative(['x'], {
    x: ({ grad, x }) => {
      const t = tanh(wide(x));
      return mul(grad, mul(t, t));
    },
  }),
  clamp: derivative(['x'], {
    x: ({ grad, x, attrs: { min, max } }) => where(greaterEqual(x, min), where(lessEqual(x, max), grad, 0), 0),
  }),
  isFinite: 'not differentiable',
  isNaN: 'not differentiable',
  isInf: 'not differentiable',
  cast: derivative([], { x: ({ grad, specs }) => cast(grad, specs.x.dtype) }),
  // The same seed and offset give the same mask.
  dropout: derivative([], { x: ({ grad, attrs }) => dispatch('dropout', { x: grad }, attrs) }),

  reshape: derivative([], { x: ({ grad, specs }) => reshape(grad, specs.x.shape) }),
  permute: derivative([], {
    x: ({ grad, attrs: { dims } }) =>
      permute(
        grad,
        dims.map((_, dim) => dims.indexOf(dim)),
      ),
  }),
  expand: derivative([], { x: ({ grad }) => grad }),
  slice: derivative([], {
    x: ({ grad, specs, attrs: { slices } }) => {
      const padding = slices.map((range, dim) => undoSlice(range, specs.x.shape[dim] as number));
      return dispatch('pad', { x: grad }, { padding, value: 0 });
    },
  }),
  pad: derivative([], {
    x: ({ grad, specs, attrs: { padding } }) => {
      const slices = padding.map((amounts, dim) => undoPad(amounts, specs.x.shape[dim] as number));
      return dispatch('slice', { x: grad }, { slices });
    },
  }),
  concat: derivative([], {
    tensors: ({ grad, specs, attrs: { dim } }) => {
      let start = 0;
      return specs.tensors.map(({ shape }) => {
        const end = start + (shape[dim] as number);
        const ranges = shape.map((_, d) => (d === dim ? { start, end } : {}));
        start = end;
        return slice(grad, ranges);
      });
    },
  }),
  flip: derivative([], { x: ({ grad, attrs }) => flip(grad, attrs.dims) }),

  indexSelect: derivative(['index'], {
    x: ({ grad, index, specs, attrs: { dim } }) =>
      dispatch('indexAdd', { index, source: grad }, { dim, size: specs.x.shape[dim] as number }),
  }),
  indexAdd: derivative(['index'], {
    source: ({ grad, index, attrs: { dim } }) => dispatch('indexSelect', { x: grad, index }, { dim }),
  }),
  gather: derivative(['index'], {
    x: ({ grad, index, specs, attrs: { dim } }) => {
      const size = specs.x.shape[dim] as number;
      const scattered = dispatch('scatterAdd', { index, source: grad }, { dim, size });
      const padding = specs.x.shape.map((n, d) => ({ low: 0, high: n - (scattered.shape[d] as number), interior: 0 }));
      return padding.some(({ high }) => high > 0)
        ? dispatch('pad', { x: scattered }, { padding, value: 0 })
        : scattered;
    },
  }),
  scatter: derivative(['index'], {
    x: ({ grad, index, attrs: { dim } }) => {
      const source = expand(cast(grad.number(0), grad.dtype), index.shape);
      return dispatch('scatter', { x: grad, index, source }, { dim });
    },
    source: ({ grad, index, attrs: { dim } }) =>
      where(isLastWritten(index, grad, dim), dispatch('gather', { x: grad, index }, { dim }), 0),
  }),
  scatterAdd: derivative(['index'], {
    source: ({ grad, index, attrs: { dim } }) => dispatch('gather', { x: grad, index }, { dim }),
  }),

  sum: derivative([], { x: ({ grad, specs, attrs }) => spread(cast(grad, specs.x.dtype), specs.x, attrs) }),
  mean: derivative([], {
    x: ({ grad, specs, attrs }) => spread(div(grad, reducedCount(specs.x.shape, attrs.dims)), specs.x, attrs),
  }),
  // 2/(n − correction) · (x − mean)
  variance: derivative(['x'], {
    x: ({ grad, x, attrs }) => {
      const factor = 2 / (reducedCount(x.shape, attrs.dims) - attrs.correction);
      return mul(spread(mul(grad, factor), x, attrs), sub(x, mean(x, attrs.dims, { keepDim: true })));
    },
  }),
  std: 'decomposed',
  amax: derivative(['x', 'out'], {
    x: ({ grad, x, out, attrs }) => shareAmongTies(grad, x, out, attrs),
  }),
  amin: derivative(['x', 'out'], {
    x: ({ grad, x, out, attrs }) => shareAmongTies(grad, x, out, attrs),
  }),
  argmax: 'not differentiable',
  argmin: 'not differentiable',
  prod: derivative(['x'], {
    x: ({ grad, x, attrs }) => mul(spread(wide(grad), x, attrs), otherFactors(wide(x), attrs.dims)),
  }),
  norm: 'decomposed',
  logsumexp: 'decomposed',
  cumsum: derivative([], {
    x: ({ grad, attrs: { dim } }) => flip(dispatch('cumsum', { x: flip(grad, dim) }, { dim, dtype: undefined }), dim),
  }),
  cumprod: 'decomposed',
  argsort: 'not differentiable',
  cosineSimilarity: 'decomposed',
  dist: 'decomposed',
  cdist: 'decomposed',
  softmax: derivative(['out'], {
    x: ({ grad, out, attrs: { dim } }) => dispatch('softmaxGrad', { gradOut: grad, out }, { dim }),
  }),
  softmaxGrad: 'decomposed',
  logSoftmax: derivative(['out'], {
    x: ({ grad, out, attrs: { dim } }) => dispatch('logSoftmaxGrad', { gradOut: grad, out }, { dim }),
  }),
  logSoftmaxGrad: 'decomposed',

  // C = op(A) op(B):  ∂op(A) = ∂C op(B)ᵀ,  ∂op(B) = op(A)ᵀ ∂C; transposition is undone by swapping the factors.
  matmul: derivative(['a', 'b'], {
    a: ({ grad, b, attrs: { transposeA, transposeB } }) =>
      transposeA
        ? dispatch('matmul', { a: b, b: grad }, { transposeA: transposeB, transposeB: true })
        : dispatch('matmul', { a: grad, b }, { transposeA: false, transposeB: !transposeB }),
    b: ({ grad, a, attrs: { transposeA, transposeB } }) =>
      transposeB
        ? dispatch('matmul', { a: grad, b: a }, { transposeA: true, transposeB: transposeA })
        : dispatch('matmul', { a, b: grad }, { transposeA: !transposeA, transposeB: false }),
  }),
  addmm: derivative(['a', 'b'], {
    input: ({ grad, attrs: { beta } }) => mul(grad, beta),
    a: ({ grad, b, attrs: { alpha } }) =>
      mul(dispatch('matmul', { a: grad, b }, { transposeA: false, transposeB: true }), alpha),
    b: ({ grad, a, attrs: { alpha } }) =>
      mul(dispatch('matmul', { a, b: grad }, { transposeA: true, transposeB: false }), alpha),
  }),
  dot: 'decomposed',
  cross: 'decomposed',
  tensordot: 'decomposed',
  einsum: 'decomposed',
  bilinear: 'decomposed',
  scaledDotProductAttention: 'decomposed',
  linear: derivative(['x', 'weight'], {
    x: ({ grad, weight, specs }) =>
      reshape(
        dispatch('matmul', { a: rows(grad), b: weight }, { transposeA: false, transposeB: false }),
        specs.x.shape,
      ),
    weight: ({ grad, x }) => dispatch('matmul', { a: rows(grad), b: rows(x) }, { transposeA: true, transposeB: false }),
    bias: ({ grad }) => sum(rows(grad), 0),
  }),
  // The three convolutions are each other's derivatives.
  convolution: derivative(['x', 'weight'], {
    x: ({ grad, weight, specs, attrs }) =>
      dispatch('convolutionInputGrad', { gradOut: grad, weight }, { ...attrs, size: specs.x.shape.slice(2) }),
    weight: ({ grad, x, specs, attrs }) =>
      dispatch('convolutionWeightGrad', { gradOut: grad, x }, { ...attrs, size: specs.weight.shape.slice(2) }),
    bias: ({ grad }) =>
      sum(
        grad,
        grad.shape.map((_, dim) => dim).filter((dim) => dim !== 1),
      ),
  }),
  convolutionInputGrad: derivative(['gradOut', 'weight'], {
    gradOut: ({ grad, weight, attrs }) => dispatch('convolution', { x: grad, weight, bias: undefined }, attrs),
    weight: ({ grad, gradOut, specs, attrs }) =>
      dispatch('convolutionWeightGrad', { gradOut, x: grad }, { ...attrs, size: specs.weight.shape.slice(2) }),
  }),
  convolutionWeightGrad: derivative(['gradOut', 'x'], {
    gradOut: ({ grad, x, attrs }) => dispatch('convolution', { x, weight: grad, bias: undefined }, attrs),
    x: ({ grad, gradOut, specs, attrs }) =>
      dispatch('convolutionInputGrad', { gradOut, weight: grad }, { ...attrs, size: specs.x.shape.slice(2) }),
  }),

  maxPool: derivative(['indices'], {
    x: ({ grad, indices, specs, attrs: { windows } }) => {
      const leading = specs.x.shape.length - windows.length;
      const flat = [...grad.shape.slice(0, leading), sizeOf(grad.shape.slice(leading))];
      const index = reshape(indices, flat);
      const size = sizeOf(specs.x.shape.slice(leading));
      return reshape(
        dispatch('scatterAdd', { index, source: reshape(grad, flat) }, { dim: leading, size }),
        specs.x.shape,
      );
    },
  }),
  avgPool: derivative([], {
    x: ({ grad, specs, attrs }) =>
      dispatch('avgPoolGrad', { gradOut: grad }, { ...attrs, size: specs.x.shape.slice(-attrs.windows.length) }),
  }),
  avgPoolGrad: derivative([], {
    gradOut: ({ grad, attrs }) => dispatch('avgPool', { x: grad }, { windows: attrs.windows }),
  }),

  interpolate: derivative([], {
    x: ({ grad, specs, attrs }) =>
      dispatch('interpolateGrad', { gradOut: grad }, { ...attrs, size: specs.x.shape.slice(-attrs.axes.length) }),
  }),
  interpolateGrad: derivative([], {
    gradOut: ({ grad, attrs: { axes } }) => dispatch('interpolate', { x: grad }, { axes }),
  }),

  layerNorm: jointly(['x', 'weight', 'mean', 'rstd'], ({ grad, x, weight, mean: mu, rstd, attrs }) =>
    dispatch('layerNormGrad', { gradOut: grad, x, weight, mean: mu, rstd }, attrs),
  ),
  layerNormGrad: 'decomposed',
  batchNorm: jointly(['x', 'weight', 'mean', 'variance'], ({ grad, x, weight, mean: mu, variance, specs, attrs }) =>
    dispatch(
      'batchNormGrad',
      { gradOut: grad, x, weight, mean: mu, variance },
      { eps: attrs.eps, statistics: specs.runningMean ? 'given' : 'batch' },
    ),
  ),
  batchNormGrad: 'decomposed',
  groupNorm: 'decomposed',
  rmsNorm: 'decomposed',

  nllLoss: 'decomposed',
  crossEntropy: 'decomposed',
  probabilityCrossEntropy: 'decomposed',
  mseLoss: 'decomposed',
  l1Loss: 'decomposed',
  smoothL1Loss: 'decomposed',
  huberLoss: 'decomposed',
  klDiv: 'decomposed',
  poissonNllLoss: 'decomposed',
  gaussianNllLoss: 'decomposed',
  softMarginLoss: 'decomposed',
  hingeEmbeddingLoss: 'decomposed',
  marginRankingLoss: 'decomposed',
  cosineEmbeddingLoss: 'decomposed',
  tripletMarginLoss: 'decomposed',
  multiMarginLoss: 'decomposed',
  // (p − y) / (p (1 − p)), which PyTorch keeps finite at the ends.
  binaryCrossEntropy: derivative(['input', 'target', 'weight'], {
    input: ({ grad, input, target, weight, attrs }) => {
      const spread = maximum(mul(wide(input), sub(1, wide(input))), 1e-12);
      return perElement(grad, div(sub(wide(input), target), spread), weight, attrs.reduction);
    },
    target: ({ grad, input, weight, attrs }) => {
      const slope = sub(clampedLog(sub(1, wide(input))), clampedLog(wide(input)));
      return perElement(grad, slope, weight, attrs.reduction);
    },
    weight: ({ grad, input, target, attrs }) => {
      const losses = dispatch('binaryCrossEntropy', { input, target, weight: undefined }, { reduction: 'none' });
      return perElement(grad, losses, undefined, attrs.reduction);
    },
  }),
  binaryCrossEntropyWithLogits: 'decomposed',
};

/** A saved tensor as formulas of several steps need it: the engine rounds a gradient to 16 bit once, when it is done. */
function wide(x: Tensor): Tensor {
  return cast(x, computeDType(x.dtype));
}

/** 1 in the place of 0. */
function nonZero(x: Tensor): Tensor {
  return where(equal(x, 0), 1, x);
}

function squaredLength(x: Tensor, y: Operand): Tensor {
  return add(mul(x, x), typeof y === 'number' ? y * y : mul(y, y));
}

/** What one element of a loss contributes to a gradient. */
function perElement(grad: Tensor, slope: Tensor, weight: Tensor | undefined, reduction: LossReduction): Tensor {
  const share = reduction === 'mean' ? div(wide(grad), slope.size) : wide(grad);
  return mul(share, weight ? mul(slope, weight) : slope);
}

/** PyTorch's convention where both operands attain the extremum. */
function halveTies(grad: Tensor, a: Tensor, b: Tensor): Tensor {
  return where(equal(a, b), div(grad, 2), grad);
}

/** A reduced tensor, repeated over the dimensions it was reduced from. */
function spread(reduced: Tensor, { shape }: TensorSpec, { dims }: Reduction): Tensor {
  const kept = shape.map((size, dim) => (dims.includes(dim) ? 1 : size));
  return expand(reshape(reduced, kept), shape);
}

/** The gradient of a maximum or minimum `out`, in equal parts to every element that attains it. */
function shareAmongTies(grad: Tensor, x: Tensor, out: Tensor, attrs: Reduction): Tensor {
  const winners = cast(equal(x, spread(out, x, attrs)), x.dtype);
  return div(mul(spread(grad, x, attrs), winners), sum(winners, attrs.dims, { keepDim: true }));
}

/** For each element the product of the others over `dims`, without dividing by it: it may be 0. */
function otherFactors(x: Tensor, dims: readonly number[]): Tensor {
  const count = reducedCount(x.shape, dims);
  if (count === 0) return x;
  const all = x.shape.map((_, dim) => dim);
  const order = [...all.filter((dim) => !dims.includes(dim)), ...dims];
  const moved = permute(x, order);
  const rows = reshape(moved, [sizeOf(x.shape) / count, count]);
  const others = mul(productsBefore(rows), flip(productsBefore(flip(rows, 1)), 1));
  return permute(
    reshape(others, moved.shape),
    all.map((dim) => order.indexOf(dim)),
  );
}

/** For each element of a row the product of those before it. */
function productsBefore(rows: Tensor): Tensor {
  const products = dispatch('cumprod', { x: rows }, { dim: 1, dtype: undefined });
  return pad(narrow(products, 1, 0, (rows.shape[1] as number) - 1), [1, 0], { value: 1 });
}

/** Whether nothing is written over an entry of `index` later: by writing the positions of the entries themselves. */
function isLastWritten(index: Tensor, x: Tensor, dim: number): Tensor {
  const source = index.constant(
    Int32Array.from({ length: index.size }, (_, i) => i),
    'int32',
    index.shape,
  );
  const nobody = expand(cast(index.number(-1), 'int32'), x.shape);
  const writers = dispatch('scatter', { x: nobody, index, source }, { dim });
  return equal(dispatch('gather', { x: writers, index }, { dim }), source);
}

function undoSlice({ start, end, step }: DimSlice, size: number): DimPadding {
  const count = Math.ceil((end - start) / step);
  if (count === 0) return { low: size, high: 0, interior: 0 };
  return { low: start, high: size - start - (count - 1) * step - 1, interior: step - 1 };
}

function undoPad({ low, interior }: DimPadding, size: number): DimSlice {
  const end = size === 0 ? low : low + (size - 1) * (interior + 1) + 1;
  return { start: low, end, step: interior + 1 };
}

/** All leading dimensions as one. */
function rows(x: Tensor): Tensor {
  return x.shape.length === 2 ? x : reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1) as number]);
}
