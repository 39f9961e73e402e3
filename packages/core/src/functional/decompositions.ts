import { dispatch } from '../dispatch/layers.ts';
import { sumDType } from '../ops/results.ts';
import type { LinearSample, OpName, Ops } from '../ops/signatures.ts';
import { computeDType } from '../spec/dtype.ts';
import { sizeOf } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { attentionWeights } from './attention.ts';
import { matmul } from './contraction.ts';
import { decomposeEinsum } from './einsum.ts';
import {
  abs,
  add,
  cast,
  clamp,
  div,
  erf,
  exp,
  expm1,
  log,
  log1p,
  maximum,
  mul,
  neg,
  pow,
  rsqrt,
  sigmoid,
  sqrt,
  sub,
  tanh,
  where,
} from './elementwise.ts';
import { indexSelect } from './indexing.ts';
import { equal, greater, greaterEqual, isFinite, less, lessEqual } from './logical.ts';
import { type LossOp, lossDecompositions } from './loss-decompositions.ts';
import { concat, narrow, permute, reshape, squeeze, unsqueeze } from './movement.ts';
import { amax, mean, norm, reducedCount, sum } from './reduction.ts';

/** The ops that are also defined in terms of others. */
export type DecomposedOp =
  | 'lerp'
  | 'addcmul'
  | 'addcdiv'
  | 'tanhGrad'
  | 'sigmoidGrad'
  | 'softplus'
  | 'reluGrad'
  | 'gelu'
  | 'geluGrad'
  | 'silu'
  | 'mish'
  | 'elu'
  | 'leakyRelu'
  | 'prelu'
  | 'logSigmoid'
  | 'glu'
  | 'hardtanh'
  | 'hardsigmoid'
  | 'hardswish'
  | 'softsign'
  | 'tanhshrink'
  | 'clamp'
  | 'variance'
  | 'std'
  | 'norm'
  | 'logsumexp'
  | 'cumprod'
  | 'cosineSimilarity'
  | 'dist'
  | 'cdist'
  | 'softmax'
  | 'softmaxGrad'
  | 'logSoftmax'
  | 'logSoftmaxGrad'
  | 'addmm'
  | 'dot'
  | 'cross'
  | 'tensordot'
  | 'einsum'
  | 'bilinear'
  | 'scaledDotProductAttention'
  | 'linear'
  | 'interpolate'
  | 'interpolateGrad'
  | 'layerNorm'
  | 'layerNormGrad'
  | 'groupNorm'
  | 'rmsNorm'
  | 'batchNorm'
  | 'batchNormGrad'
  | LossOp;

/** √(2/π) and the cubic coefficient of the tanh form of GELU (Hendrycks & Gimpel, 2016). */
const geluScale = Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;

/**
 * Those that are ops only for autocast, which has to see them as one. Their steps keep the dtypes that arrive and round one
 * by one, as the matrix products that they consist of do, so that backward saves 16-bit tensors.
 */
export const stepwise: ReadonlySet<OpName> = new Set([
  'dot',
  'tensordot',
  'einsum',
  'scaledDotProductAttention',
] satisfies DecomposedOp[]);

/**
 * What a fused op means in terms of others: the fallback for a missing kernel, the oracle for a present one, and the
 * way to differentiate backward passes once more.
 *
 * Written as if all inputs were wide: whoever runs one widens 16-bit inputs first and rounds the results once. Those in
 * `stepwise` are run as they are.
 */
export const decompositions: Pick<Ops<Tensor>, DecomposedOp> = {
  // From the nearer end, so that both ends are exact.
  lerp({ a, b, weight }) {
    const difference = sub(b, a);
    const fromA = add(a, mul(difference, weight));
    return where(less(abs(weight), 0.5), fromA, sub(b, mul(difference, sub(1, weight))));
  },
  addcmul: ({ input, a, b }, { value }) => add(input, mul(mul(a, b), value)),
  addcdiv: ({ input, a, b }, { value }) => add(input, div(mul(a, value), b)),

  tanhGrad: ({ gradOut, out }) => mul(gradOut, sub(1, mul(out, out))),
  sigmoidGrad: ({ gradOut, out }) => mul(gradOut, mul(out, sub(1, out))),
  // log(1 + e^z) = max(z, 0) + log(1 + e^(−|z|)), which cannot overflow.
  softplus({ x }, { beta, threshold }) {
    const z = mul(x, beta);
    return where(greater(z, threshold), x, div(add(maximum(z, 0), log1p(exp(neg(abs(z))))), beta));
  },
  reluGrad: ({ gradOut, out }) => where(greater(out, 0), gradOut, 0),
  gelu({ x }, { approximate }) {
    if (approximate === 'none') return mul(x, normalCdf(x));
    return mul(mul(x, 0.5), add(tanh(geluInner(x)), 1));
  },
  geluGrad({ gradOut, x }, { approximate }) {
    if (approximate === 'none') {
      // d(xΦ) = Φ + xφ,  φ = e^(−x²/2) / √(2π)
      const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return mul(gradOut, add(normalCdf(x), mul(x, density)));
    }
    const t = tanh(geluInner(x));
    const slope = mul(add(mul(mul(x, x), 3 * geluCubic), 1), geluScale);
    const bell = mul(mul(mul(x, 0.5), sub(1, mul(t, t))), slope);
    return mul(gradOut, add(mul(add(t, 1), 0.5), bell));
  },
  silu: ({ x }) => mul(x, sigmoid(x)),
  mish: ({ x }) => mul(x, tanh(dispatch('softplus', { x }, { beta: 1, threshold: 20 }))),
  elu({ x }, { alpha, scale, inputScale }) {
    const below = mul(expm1(mul(where(greater(x, 0), 0, x), inputScale)), scale * alpha);
    return where(greater(x, 0), mul(x, scale), below);
  },
  leakyRelu: ({ x }, { negativeSlope }) => where(greater(x, 0), x, mul(x, negativeSlope)),
  prelu: ({ x, weight }) => where(greater(x, 0), x, mul(x, weight)),
  logSigmoid: ({ x }) => neg(dispatch('softplus', { x: neg(x) }, { beta: 1, threshold: Number.POSITIVE_INFINITY })),
  glu({ x }, { dim }) {
    const size = (x.shape[dim] as number) / 2;
    return mul(narrow(x, dim, 0, size), sigmoid(narrow(x, dim, size, size)));
  },
  hardtanh: ({ x }, { min, max }) =>
    where(lessEqual(x, min), x.number(min), where(greaterEqual(x, max), x.number(max), x)),
  hardsigmoid: ({ x }) => div(clamp(add(x, 3), { min: 0, max: 6 }), 6),
  hardswish: ({ x }) => div(mul(x, clamp(add(x, 3), { min: 0, max: 6 })), 6),
  softsign: ({ x }) => div(x, add(abs(x), 1)),
  tanhshrink: ({ x }) => sub(x, tanh(x)),
  clamp({ x }, { min, max }) {
    const above = where(greater(x.number(min), x), x.number(min), x);
    return where(greater(above, max), x.number(max), above);
  },

  variance({ x }, { dims, keepDim, correction }) {
    const centred = sub(x, mean(x, dims, { keepDim: true }));
    return div(sum(mul(centred, centred), dims, { keepDim }), Math.max(reducedCount(x.shape, dims) - correction, 0));
  },
  std: ({ x }, { dims, keepDim, correction }) => root(dispatch('variance', { x }, { dims, keepDim, correction }), 2),
  norm({ x }, { p, dims, keepDim, dtype }) {
    const wide = cast(x, computeDType(dtype ?? x.dtype));
    if (p === Number.POSITIVE_INFINITY) return amax(abs(wide), dims, { keepDim });
    if (p === 1) return sum(abs(wide), dims, { keepDim });
    return root(sum(p === 2 ? mul(wide, wide) : pow(abs(wide), p), dims, { keepDim }), p);
  },
  logsumexp({ x }, { dims, keepDim }) {
    if (reducedCount(x.shape, dims) === 0) return log(sum(x, dims, { keepDim }));
    const highest = amax(x.detach(), dims, { keepDim: true });
    // An infinite maximum would make x − max a NaN; 0 leaves exp and log to give the right infinity.
    const shift = where(isFinite(highest), highest, 0);
    const result = add(log(sum(exp(sub(x, shift)), dims, { keepDim: true })), shift);
    return keepDim ? result : squeeze(result, dims);
  },
  // Each step multiplies by the products that end `distance` earlier: after log₂ n of them nothing is left out, and no zero
  // is ever divided by (Hillis & Steele, 1986).
  cumprod({ x }, { dim, dtype }) {
    let products = cast(x, computeDType(dtype ?? sumDType(x.dtype)));
    const size = x.shape[dim] ?? 1;
    for (let distance = 1; distance < size; distance *= 2) {
      const later = narrow(products, dim, distance, size - distance);
      const earlier = narrow(products, dim, 0, size - distance);
      products = concat([narrow(products, dim, 0, distance), mul(later, earlier)], dim);
    }
    return products;
  },
  cosineSimilarity({ a, b }, { dim, eps }) {
    const lengths = [a, b].map((x) => maximum(norm(x, 2, dim), eps)) as [Tensor, Tensor];
    return div(sum(mul(a, b), dim), mul(...lengths));
  },
  dist: ({ a, b }, { p }) => norm(sub(a, b), p),
  cdist: ({ a, b }, { p }) => norm(sub(unsqueeze(a, -2), unsqueeze(b, -3)), p, -1),
  softmax({ x }, { dim, dtype }) {
    const powers = exp(belowMaximum(dtype ? cast(x, dtype) : x, dim));
    return div(powers, sum(powers, dim, { keepDim: true }));
  },
  softmaxGrad: ({ gradOut, out }, { dim }) => mul(out, sub(gradOut, sum(mul(gradOut, out), dim, { keepDim: true }))),
  logSoftmax({ x }, { dim, dtype }) {
    const shifted = belowMaximum(dtype ? cast(x, dtype) : x, dim);
    return sub(shifted, log(sum(exp(shifted), dim, { keepDim: true })));
  },
  logSoftmaxGrad: ({ gradOut, out }, { dim }) => sub(gradOut, mul(exp(out), sum(gradOut, dim, { keepDim: true }))),

  addmm({ input, a, b }, { beta, alpha }) {
    const product = matmul(a, b);
    return add(beta === 1 ? input : mul(input, beta), alpha === 1 ? product : mul(product, alpha));
  },
  linear({ x, weight, bias }) {
    const product = x.shape.length === 1 ? matmul(weight, x) : matmul(x, weight, { transposeB: true });
    return bias ? add(product, bias) : product;
  },

  interpolate({ x }, { axes }) {
    const first = x.shape.length - axes.length;
    return axes.reduce((resampled, samples, axis) => {
      const { lows, highs, weight, isExact } = readings(x, samples, axes.length - axis);
      const low = indexSelect(resampled, first + axis, lows);
      if (isExact) return low;
      return add(mul(low, sub(1, weight)), mul(indexSelect(resampled, first + axis, highs), weight));
    }, x);
  },
  interpolateGrad({ gradOut }, { axes, size }) {
    const first = gradOut.shape.length - axes.length;
    return axes.reduce((spread, samples, axis) => {
      const { lows, highs, weight, isExact } = readings(gradOut, samples, axes.length - axis);
      const attrs = { dim: first + axis, size: size[axis] as number };
      if (isExact) return dispatch('indexAdd', { index: lows, source: spread }, attrs);
      return add(
        dispatch('indexAdd', { index: lows, source: mul(spread, sub(1, weight)) }, attrs),
        dispatch('indexAdd', { index: highs, source: mul(spread, weight) }, attrs),
      );
    }, gradOut);
  },

  layerNorm({ x, weight, bias }, { rank, eps }) {
    const dims = lastDims(x, rank);
    const mu = mean(x, dims, { keepDim: true });
    const centred = sub(x, mu);
    const rstd = rsqrt(add(mean(mul(centred, centred), dims, { keepDim: true }), eps));
    return { out: affine(mul(centred, rstd), weight, bias), mean: mu, rstd };
  },
  // ∂x = rstd · (g − mean(g) − x̂ · mean(g · x̂)),  g = gradOut · weight. The statistics are computed again from x, so that
  // a second derivative sees that they depend on it.
  layerNormGrad({ gradOut, x, weight }, { rank, eps }) {
    const dims = lastDims(x, rank);
    const leading = x.shape.map((_, dim) => dim).slice(0, -rank);
    const { normalized, rstd } = standardize(x, dims, eps);
    return {
      x: normGrad(weight ? mul(gradOut, weight) : gradOut, normalized, rstd, dims),
      weight: sum(mul(gradOut, normalized), leading),
      bias: sum(gradOut, leading),
    };
  },
  dot: ({ a, b }) => reshape(matmul(unsqueeze(a, 0), unsqueeze(b, 1)), []),
  cross({ a, b }, { dim }) {
    const rotated = (x: Tensor, by: number): Tensor => concat([narrow(x, dim, by, 3 - by), narrow(x, dim, 0, by)], dim);
    return sub(mul(rotated(a, 1), rotated(b, 2)), mul(rotated(a, 2), rotated(b, 1)));
  },
  tensordot({ a, b }, { dimsA, dimsB }) {
    const others = (x: Tensor, dims: readonly number[]): number[] =>
      x.shape.flatMap((_, dim) => (dims.includes(dim) ? [] : [dim]));
    const [restA, restB] = [others(a, dimsA), others(b, dimsB)];
    const inner = sizeOf(dimsA.map((dim) => a.shape[dim] as number));
    const left = reshape(permute(a, [...restA, ...dimsA]), [sizeOf(restA.map((dim) => a.shape[dim] as number)), inner]);
    const right = reshape(permute(b, [...dimsB, ...restB]), [
      inner,
      sizeOf(restB.map((dim) => b.shape[dim] as number)),
    ]);
    return reshape(matmul(left, right), [
      ...restA.map((dim) => a.shape[dim] as number),
      ...restB.map((dim) => b.shape[dim] as number),
    ]);
  },
  einsum: ({ tensors }, { equation }) => decomposeEinsum(tensors, equation),
  // Σ_jk a_j W_ijk b_k
  bilinear({ a, b, weight, bias }) {
    const [outFeatures, left, right] = weight.shape as [number, number, number];
    const columns = reshape(permute(weight, [1, 0, 2]), [left, outFeatures * right]);
    const rows = sizeOf(a.shape.slice(0, -1));
    const halfway = reshape(matmul(reshape(a, [rows, left]), columns), [rows, outFeatures, right]);
    const product = matmul(halfway, reshape(b, [rows, right, 1]));
    const out = reshape(product, [...a.shape.slice(0, -1), outFeatures]);
    return bias ? add(out, bias) : out;
  },
  scaledDotProductAttention({ query, key, value, mask }, { causal, scale, ...drop }) {
    const attnMask = mask && mask.dtype !== 'bool' ? cast(mask, query.dtype) : mask;
    const weights = attentionWeights(query, key, { attnMask, isCausal: causal, scale });
    return matmul(drop.p > 0 ? dispatch('dropout', { x: weights }, drop) : weights, value);
  },
  groupNorm({ x, weight, bias }, { groups, eps }) {
    const [samples, channels] = [x.shape[0] as number, x.shape[1] as number];
    const grouped = reshape(x, [samples, groups, (channels / groups) * sizeOf(x.shape.slice(2))]);
    const { out } = dispatch('layerNorm', { x: grouped, weight: undefined, bias: undefined }, { rank: 1, eps });
    return affine(reshape(out, x.shape), weight && channelwise(weight, x), bias && channelwise(bias, x));
  },
  rmsNorm({ x, weight }, { rank, eps }) {
    const scaled = mul(x, rsqrt(add(mean(mul(x, x), lastDims(x, rank), { keepDim: true }), eps)));
    return weight ? mul(scaled, weight) : scaled;
  },
  batchNorm({ x, weight, bias, runningMean, runningVar }, { eps }) {
    const dims = otherDims(x);
    const mu = runningMean ?? mean(x, dims);
    const centred = sub(x, channelwise(mu, x));
    const variance = runningVar ?? mean(mul(centred, centred), dims);
    const normalized = mul(centred, channelwise(rsqrt(add(variance, eps)), x));
    return {
      out: affine(normalized, weight && channelwise(weight, x), bias && channelwise(bias, x)),
      mean: mu,
      variance,
    };
  },
  batchNormGrad({ gradOut, x, weight, mean: mu, variance }, { eps, statistics }) {
    const dims = otherDims(x);
    const g = weight ? mul(gradOut, channelwise(weight, x)) : gradOut;
    if (statistics === 'batch') {
      const { normalized, rstd } = standardize(x, dims, eps);
      return {
        x: normGrad(g, normalized, rstd, dims),
        weight: sum(mul(gradOut, normalized), dims),
        bias: sum(gradOut, dims),
      };
    }
    const rstd = channelwise(rsqrt(add(variance, eps)), x);
    const normalized = mul(sub(x, channelwise(mu, x)), rstd);
    return { x: mul(g, rstd), weight: sum(mul(gradOut, normalized), dims), bias: sum(gradOut, dims) };
  },

  ...lossDecompositions,
};

/** Φ(x) = (1 + erf(x/√2)) / 2 */
function normalCdf(x: Tensor): Tensor {
  return mul(add(erf(mul(x, Math.SQRT1_2)), 1), 0.5);
}

function geluInner(x: Tensor): Tensor {
  return mul(mul(x, add(mul(mul(x, x), geluCubic), 1)), geluScale);
}

/** The p-th root of what is not negative. Where that is 0 its gradient is 0, as in PyTorch, and not the NaN of ∞ · 0. */
function root(powers: Tensor, p: number): Tensor {
  const isZero = equal(powers, 0);
  const nonZero = where(isZero, 1, powers);
  return where(isZero, 0, p === 2 ? sqrt(nonZero) : pow(nonZero, 1 / p));
}

/** x − max along `dim`, so that no exponential overflows. An empty dimension has no maximum and nothing to shift. */
function belowMaximum(x: Tensor, dim: number): Tensor {
  return x.shape[dim] === 0 ? x : sub(x, amax(x.detach(), dim, { keepDim: true }));
}

/** The samples of one axis as tensors; weights have the dimensions of that axis and those behind it. */
function readings(
  x: Tensor,
  samples: readonly LinearSample[],
  rank: number,
): { lows: Tensor; highs: Tensor; weight: Tensor; isExact: boolean } {
  const column = [samples.length, ...new Array<number>(rank - 1).fill(1)];
  const list = (pick: (sample: LinearSample) => number): number[] => samples.map(pick);
  return {
    lows: x.constant(
      list(({ low }) => low),
      'int32',
    ),
    highs: x.constant(
      list(({ high }) => high),
      'int32',
    ),
    weight: x.constant(
      list(({ weight }) => weight),
      x.dtype,
      column,
    ),
    isExact: samples.every(({ weight }) => weight === 0),
  };
}

function lastDims(x: Tensor, rank: number): number[] {
  return x.shape.map((_, dim) => dim).slice(-rank);
}

/** All dimensions but the channels'. */
function otherDims(x: Tensor): number[] {
  return x.shape.map((_, dim) => dim).filter((dim) => dim !== 1);
}

/** One value per channel, shaped to broadcast against `x`. */
function channelwise(values: Tensor, x: Tensor): Tensor {
  return reshape(values, [-1, ...x.shape.slice(2).map(() => 1)]);
}

function affine(x: Tensor, weight: Tensor | undefined, bias: Tensor | undefined): Tensor {
  const scaled = weight ? mul(x, weight) : x;
  return bias ? add(scaled, bias) : scaled;
}

function standardize(x: Tensor, dims: readonly number[], eps: number): { normalized: Tensor; rstd: Tensor } {
  const centred = sub(x, mean(x, dims, { keepDim: true }));
  const rstd = rsqrt(add(mean(mul(centred, centred), dims, { keepDim: true }), eps));
  return { normalized: mul(centred, rstd), rstd };
}

function normGrad(g: Tensor, normalized: Tensor, rstd: Tensor, dims: readonly number[]): Tensor {
  const projection = mul(normalized, mean(mul(g, normalized), dims, { keepDim: true }));
  return mul(rstd, sub(sub(g, mean(g, dims, { keepDim: true })), projection));
}
