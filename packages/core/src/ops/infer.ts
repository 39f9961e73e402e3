import { computeDType, isFloat, isFloat8 } from '../spec/dtype.ts';
import { argumentError, TensorError } from '../spec/errors.ts';
import { promoteTypes, resultType } from '../spec/promotion.ts';
import { broadcastShapes, sameShape, sizeOf } from '../spec/shape.ts';
import type { TensorSpec } from '../spec/spec.ts';
import { checkConvolution, convolved, requireConvolved } from './convolution-rules.ts';
import { checkingDTypes } from './dtype-checks.ts';
import { planEinsum } from './einsum-equation.ts';
import { classLoss, labelLoss, lossShape, pairLoss, probabilityLoss, requireSmoothing } from './loss-rules.ts';
import {
  isCount,
  notBool,
  requireAffine,
  requireAligned,
  requireAllocatable,
  requireDim,
  requireDistinctDims,
  requireDropout,
  requireDType,
  requireFloat,
  requireLength,
  requireNormOrder,
  requireOneOf,
  requireSameDType,
  requireShape,
} from './requirements.ts';
import {
  arithmetic,
  asFloat,
  bounded,
  broadcast,
  channelShape,
  comparison,
  cumulative,
  extremum,
  extremumPosition,
  float,
  fusedGrad,
  like,
  matrixShape,
  noElements,
  normalizedShape,
  pooled,
  reduced,
  resampled,
  softmaxGradLike,
  softmaxLike,
  spreadOf,
  statisticsShape,
  sumDType,
  withLastDims,
} from './results.ts';
import type { Ops } from './signatures.ts';

/** Table 1 of 5: the shape and dtype of every result, and the only place where arguments are checked. */
export const infer: Ops<TensorSpec> = checkingDTypes({
  add: ({ a, b }) => arithmetic('add', a, b),
  sub({ a, b }) {
    for (const operand of [a, b]) notBool('sub', operand, 'Use notEqual, or cast it.');
    return arithmetic('sub', a, b);
  },
  mul: ({ a, b }) => arithmetic('mul', a, b),
  div: ({ a, b }) => asFloat(arithmetic('div', a, b)),
  pow: ({ a, b }) => notBool('pow', arithmetic('pow', a, b), 'Cast one operand.'),
  maximum: ({ a, b }) => arithmetic('maximum', a, b),
  minimum: ({ a, b }) => arithmetic('minimum', a, b),
  atan2: ({ a, b }) => asFloat(arithmetic('atan2', a, b)),
  fmod: ({ a, b }) => notBool('fmod', arithmetic('fmod', a, b), 'Cast one operand.'),
  remainder: ({ a, b }) => notBool('remainder', arithmetic('remainder', a, b), 'Cast one operand.'),
  equal: ({ a, b }) => comparison('equal', a, b),
  notEqual: ({ a, b }) => comparison('notEqual', a, b),
  less: ({ a, b }) => comparison('less', a, b),
  lessEqual: ({ a, b }) => comparison('lessEqual', a, b),
  greater: ({ a, b }) => comparison('greater', a, b),
  greaterEqual: ({ a, b }) => comparison('greaterEqual', a, b),
  where({ condition, a, b }) {
    requireDType('where', 'condition', condition, 'bool');
    const branches = arithmetic('where', a, b);
    return { shape: broadcast('where', { condition, branches }), dtype: branches.dtype };
  },
  lerp({ a, b, weight }) {
    requireFloat('lerp', { a, b }, 'Cast them first.');
    requireSameDType('lerp', { a, b, weight: weight.isNumber ? undefined : weight });
    return { shape: broadcast('lerp', { a, b, weight }), dtype: a.dtype };
  },
  addcmul({ input, a, b }, { value }) {
    const dtype = resultType(input, a, b);
    if (!isFloat(dtype) && !Number.isInteger(value)) {
      throw argumentError('dtype-mismatch', 'addcmul', `integers cannot take the factor ${value}`, { input, a, b });
    }
    return notBool('addcmul', { shape: broadcast('addcmul', { input, a, b }), dtype }, 'Cast one operand.');
  },
  addcdiv({ input, a, b }) {
    const dtype = resultType(input, a, b);
    if (!isFloat(dtype)) {
      throw argumentError('dtype-mismatch', 'addcdiv', 'integers do not divide', { input, a, b }, 'Cast one operand.');
    }
    return { shape: broadcast('addcdiv', { input, a, b }), dtype };
  },

  neg: ({ x }) => notBool('neg', like(x), 'Use equal(x, 0).'),
  abs: ({ x }) => notBool('abs', like(x), 'Cast it first.'),
  sign: ({ x }) => like(x),
  exp: ({ x }) => asFloat(x),
  expm1: ({ x }) => asFloat(x),
  log: ({ x }) => asFloat(x),
  log1p: ({ x }) => asFloat(x),
  log2: ({ x }) => asFloat(x),
  log10: ({ x }) => asFloat(x),
  sqrt: ({ x }) => asFloat(x),
  rsqrt: ({ x }) => asFloat(x),
  reciprocal: ({ x }) => asFloat(x),
  sin: ({ x }) => asFloat(x),
  cos: ({ x }) => asFloat(x),
  tan: ({ x }) => asFloat(x),
  asin: ({ x }) => asFloat(x),
  acos: ({ x }) => asFloat(x),
  atan: ({ x }) => asFloat(x),
  sinh: ({ x }) => asFloat(x),
  cosh: ({ x }) => asFloat(x),
  asinh: ({ x }) => asFloat(x),
  acosh: ({ x }) => asFloat(x),
  atanh: ({ x }) => asFloat(x),
  floor: ({ x }) => notBool('floor', like(x), 'Cast it first.'),
  ceil: ({ x }) => notBool('ceil', like(x), 'Cast it first.'),
  round: ({ x }) => notBool('round', like(x), 'Cast it first.'),
  trunc: ({ x }) => notBool('trunc', like(x), 'Cast it first.'),
  erf: ({ x }) => asFloat(x),
  tanh: ({ x }) => asFloat(x),
  tanhGrad: ({ gradOut, out }) => fusedGrad('tanhGrad', { gradOut, out }),
  sigmoid: ({ x }) => asFloat(x),
  sigmoidGrad: ({ gradOut, out }) => fusedGrad('sigmoidGrad', { gradOut, out }),
  softplus: ({ x }) => float('softplus', { x }),
  relu: ({ x }) => notBool('relu', like(x), 'Cast it first.'),
  reluGrad: ({ gradOut, out }) => fusedGrad('reluGrad', { gradOut, out }),
  gelu({ x }, { approximate }) {
    requireOneOf('gelu', 'approximate', approximate, ['none', 'tanh']);
    return float('gelu', { x });
  },
  geluGrad({ gradOut, x }, { approximate }) {
    requireOneOf('geluGrad', 'approximate', approximate, ['none', 'tanh']);
    return fusedGrad('geluGrad', { gradOut, x });
  },
  silu: ({ x }) => float('silu', { x }),
  mish: ({ x }) => float('mish', { x }),
  elu: ({ x }) => float('elu', { x }),
  leakyRelu: ({ x }) => float('leakyRelu', { x }),
  prelu({ x, weight }) {
    requireSameDType('prelu', { x, weight });
    requireFloat('prelu', { x });
    if (!sameShape(broadcast('prelu', { x, weight }), x.shape)) {
      throw argumentError('shape-mismatch', 'prelu', 'weight does not broadcast to x', { x, weight });
    }
    return like(x);
  },
  logSigmoid: ({ x }) => float('logSigmoid', { x }),
  glu({ x }, { dim }) {
    requireFloat('glu', { x });
    requireDim('glu', dim, x);
    const size = x.shape[dim] ?? 1;
    if (size % 2 !== 0) throw argumentError('shape-mismatch', 'glu', `dim ${dim} cannot be halved`, { x });
    return { shape: x.shape.map((n, d) => (d === dim ? n / 2 : n)), dtype: x.dtype };
  },
  hardtanh: ({ x }, bounds) => bounded('hardtanh', x, bounds),
  hardsigmoid: ({ x }) => float('hardsigmoid', { x }),
  hardswish: ({ x }) => float('hardswish', { x }),
  softsign: ({ x }) => float('softsign', { x }),
  tanhshrink: ({ x }) => float('tanhshrink', { x }),
  clamp: ({ x }, bounds) => bounded('clamp', x, bounds),
  isFinite: ({ x }) => ({ shape: x.shape, dtype: 'bool' }),
  isNaN: ({ x }) => ({ shape: x.shape, dtype: 'bool' }),
  isInf: ({ x }) => ({ shape: x.shape, dtype: 'bool' }),
  cast({ x }, { dtype, saturate }) {
    if (saturate && !isFloat8(dtype)) {
      throw argumentError('invalid-argument', 'cast', `saturate says nothing about ${dtype}`, { x }, 'Use clamp.');
    }
    return { shape: x.shape, dtype };
  },
  dropout({ x }, attrs) {
    requireDropout('dropout', attrs, { x });
    return float('dropout', { x });
  },

  reshape({ x }, { shape }) {
    requireShape('reshape', shape);
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw argumentError(
        'shape-mismatch',
        'reshape',
        `[${shape.join(',')}] has ${sizeOf(shape)} elements, x has ${sizeOf(x.shape)}`,
        { x },
      );
    }
    return { shape, dtype: x.dtype };
  },
  permute({ x }, { dims }) {
    const ordered = [...dims].sort((a, b) => a - b);
    if (dims.length !== x.shape.length || ordered.some((dim, i) => dim !== i)) {
      throw argumentError('invalid-argument', 'permute', `dims [${dims.join(',')}] are not a permutation of x's`, {
        x,
      });
    }
    return { shape: dims.map((dim) => x.shape[dim] as number), dtype: x.dtype };
  },
  expand({ x }, { shape }) {
    requireShape('expand', shape);
    const reached = broadcastShapes(x.shape, shape);
    if (!reached || !sameShape(reached, shape)) {
      throw argumentError('shape-mismatch', 'expand', `x does not broadcast to [${shape.join(',')}]`, { x });
    }
    requireAllocatable('expand', shape);
    return { shape, dtype: x.dtype };
  },
  slice({ x }, { slices }) {
    requireLength('slice', 'slices', slices, x.shape.length);
    const shape = slices.map(({ start, end, step }, dim) => {
      const size = x.shape[dim] as number;
      if (!(Number.isInteger(step) && step >= 1 && isCount(start) && isCount(end) && start <= end && end <= size)) {
        throw argumentError('invalid-argument', 'slice', `${start}:${end}:${step} is outside dim ${dim}`, { x });
      }
      return Math.ceil((end - start) / step);
    });
    return { shape, dtype: x.dtype };
  },
  pad({ x }, { padding }) {
    requireLength('pad', 'padding', padding, x.shape.length);
    const shape = padding.map(({ low, high, interior }, dim) => {
      const size = x.shape[dim] as number;
      if (!(isCount(low) && isCount(high) && isCount(interior))) {
        throw argumentError(
          'invalid-argument',
          'pad',
          `padding of dim ${dim} is not a non-negative integer`,
          { x },
          'Use slice to crop.',
        );
      }
      return low + size + Math.max(size - 1, 0) * interior + high;
    });
    requireAllocatable('pad', shape);
    return { shape, dtype: x.dtype };
  },
  concat({ tensors }, { dim }) {
    const first = tensors[0];
    if (!first) throw new TensorError('invalid-argument', 'concat: the list of tensors is empty');
    requireDim('concat', dim, first);
    const total = tensors.reduce((sum, tensor) => {
      const fits =
        tensor.shape.length === first.shape.length && tensor.shape.every((n, d) => d === dim || n === first.shape[d]);
      if (!fits) {
        throw argumentError('shape-mismatch', 'concat', `shapes differ outside dim ${dim}`, { first, other: tensor });
      }
      return sum + (tensor.shape[dim] as number);
    }, 0);
    return { shape: first.shape.map((n, d) => (d === dim ? total : n)), dtype: resultType(...tensors) };
  },
  flip({ x }, { dims }) {
    for (const dim of dims) requireDim('flip', dim, x);
    return like(x);
  },

  indexSelect({ x, index }, { dim }) {
    requireDType('indexSelect', 'index', index, 'int32');
    requireDim('indexSelect', dim, x);
    return { shape: [...x.shape.slice(0, dim), ...index.shape, ...x.shape.slice(dim + 1)], dtype: x.dtype };
  },
  indexAdd({ index, source }, { dim, size }) {
    requireDType('indexAdd', 'index', index, 'int32');
    const rank = index.shape.length;
    if (!isCount(dim) || !isCount(size) || !sameShape(source.shape.slice(dim, dim + rank), index.shape)) {
      throw argumentError('shape-mismatch', 'indexAdd', `source does not carry index's shape at dim ${dim}`, {
        index,
        source,
      });
    }
    const shape = [...source.shape.slice(0, dim), size, ...source.shape.slice(dim + rank)];
    requireAllocatable('indexAdd', shape);
    return { shape, dtype: source.dtype };
  },
  gather({ x, index }, { dim }) {
    requireDType('gather', 'index', index, 'int32');
    requireAligned('gather', dim, x, index);
    return { shape: index.shape, dtype: x.dtype };
  },
  scatter({ x, index, source }, { dim }) {
    requireDType('scatter', 'index', index, 'int32');
    requireSameDType('scatter', { x, source });
    requireAligned('scatter', dim, x, index);
    if (!sameShape(index.shape, source.shape)) {
      throw argumentError('shape-mismatch', 'scatter', 'index and source differ in shape', { index, source });
    }
    return like(x);
  },
  scatterAdd({ index, source }, { dim, size }) {
    requireDType('scatterAdd', 'index', index, 'int32');
    requireDim('scatterAdd', dim, source);
    if (!sameShape(index.shape, source.shape) || !isCount(size)) {
      throw argumentError('shape-mismatch', 'scatterAdd', 'index and source differ in shape', { index, source });
    }
    const shape = source.shape.map((n, d) => (d === dim ? size : n));
    requireAllocatable('scatterAdd', shape);
    return { shape, dtype: source.dtype };
  },

  sum: ({ x }, attrs) => ({ shape: reduced('sum', x, attrs), dtype: attrs.dtype ?? sumDType(x.dtype) }),
  mean({ x }, attrs) {
    requireFloat('mean', { x }, 'Cast it first.');
    return { shape: reduced('mean', x, attrs), dtype: x.dtype };
  },
  variance: ({ x }, attrs) => spreadOf('variance', x, attrs),
  std: ({ x }, attrs) => spreadOf('std', x, attrs),
  amax: ({ x }, attrs) => extremum('amax', x, attrs),
  amin: ({ x }, attrs) => extremum('amin', x, attrs),
  argmax: ({ x }, attrs) => extremumPosition('argmax', x, attrs),
  argmin: ({ x }, attrs) => extremumPosition('argmin', x, attrs),
  prod: ({ x }, attrs) => ({ shape: reduced('prod', x, attrs), dtype: attrs.dtype ?? sumDType(x.dtype) }),
  norm({ x }, attrs) {
    requireNormOrder('norm', attrs.p, { x });
    const dtype = attrs.dtype ?? x.dtype;
    requireFloat('norm', { x: { shape: x.shape, dtype } }, 'Cast it first, or name a dtype.');
    if (attrs.p === Number.POSITIVE_INFINITY) extremum('norm', x, attrs);
    return { shape: reduced('norm', x, attrs), dtype };
  },
  logsumexp({ x }, attrs) {
    requireFloat('logsumexp', { x }, 'Cast it first.');
    return { shape: reduced('logsumexp', x, attrs), dtype: x.dtype };
  },
  cumsum: ({ x }, attrs) => cumulative('cumsum', x, attrs),
  cumprod: ({ x }, attrs) => cumulative('cumprod', x, attrs),
  argsort({ x }, { dim }) {
    requireDim('argsort', dim, x);
    return { shape: x.shape, dtype: 'int32' };
  },
  cosineSimilarity({ a, b }, { dim }) {
    requireFloat('cosineSimilarity', { a, b });
    requireDim('cosineSimilarity', dim, a);
    if (!sameShape(a.shape, b.shape)) {
      throw argumentError('shape-mismatch', 'cosineSimilarity', 'shapes differ', { a, b }, 'Expand one of them first.');
    }
    return { shape: a.shape.filter((_, d) => d !== dim), dtype: resultType(a, b) };
  },
  dist({ a, b }, { p }) {
    requireNormOrder('dist', p, { a, b });
    requireFloat('dist', { a, b });
    const { shape, dtype } = arithmetic('dist', a, b);
    if (p === Number.POSITIVE_INFINITY && sizeOf(shape) === 0) throw noElements('dist', { a, b });
    return { shape: [], dtype };
  },
  cdist({ a, b }, { p }) {
    requireNormOrder('cdist', p, { a, b });
    requireFloat('cdist', { a, b });
    const width = a.shape.at(-1);
    if (a.shape.length < 2 || b.shape.length < 2 || width !== b.shape.at(-1)) {
      throw argumentError('shape-mismatch', 'cdist', 'rows need one length', { a, b });
    }
    if (p === Number.POSITIVE_INFINITY && width === 0) throw noElements('cdist', { a, b });
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
    if (!batch) throw argumentError('shape-mismatch', 'cdist', 'batch dimensions do not broadcast', { a, b });
    return { shape: [...batch, a.shape.at(-2) as number, b.shape.at(-2) as number], dtype: resultType(a, b) };
  },
  softmax: ({ x }, attrs) => softmaxLike('softmax', x, attrs),
  softmaxGrad: ({ gradOut, out }, { dim }) => softmaxGradLike('softmaxGrad', gradOut, out, dim),
  logSoftmax: ({ x }, attrs) => softmaxLike('logSoftmax', x, attrs),
  logSoftmaxGrad: ({ gradOut, out }, { dim }) => softmaxGradLike('logSoftmaxGrad', gradOut, out, dim),

  matmul({ a, b }, { transposeA, transposeB }) {
    requireSameDType('matmul', { a, b });
    notBool('matmul', a, 'Cast the operands first.');
    if (a.shape.length < 2 || b.shape.length < 2) {
      throw argumentError('shape-mismatch', 'matmul', 'operands need at least 2 dimensions', { a, b });
    }
    const [m, k] = matrixShape(a, transposeA);
    const [k2, n] = matrixShape(b, transposeB);
    if (k !== k2) throw argumentError('shape-mismatch', 'matmul', 'inner dimensions differ', { a, b });
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
    if (!batch) throw argumentError('shape-mismatch', 'matmul', 'batch dimensions do not broadcast', { a, b });
    return { shape: [...batch, m, n], dtype: a.dtype };
  },
  addmm({ input, a, b }) {
    requireSameDType('addmm', { input, a, b });
    const product = infer.matmul({ a, b }, { transposeA: false, transposeB: false });
    if (!sameShape(broadcast('addmm', { input, product }), product.shape)) {
      throw argumentError('shape-mismatch', 'addmm', 'input does not broadcast to the product', { input, a, b });
    }
    return product;
  },
  dot({ a, b }) {
    requireSameDType('dot', { a, b });
    notBool('dot', a, 'Cast the operands first.');
    if (a.shape.length !== 1 || !sameShape(a.shape, b.shape)) {
      throw argumentError('shape-mismatch', 'dot', 'needs two vectors of one length', { a, b });
    }
    return { shape: [], dtype: a.dtype };
  },
  cross({ a, b }, { dim }) {
    const product = notBool('cross', arithmetic('cross', a, b), 'Cast the operands first.');
    requireDim('cross', dim, product);
    if (a.shape.length !== b.shape.length || a.shape[dim] !== 3 || b.shape[dim] !== 3) {
      throw argumentError('shape-mismatch', 'cross', `dim ${dim} must have 3 elements`, { a, b });
    }
    return product;
  },
  tensordot({ a, b }, { dimsA, dimsB }) {
    requireSameDType('tensordot', { a, b });
    notBool('tensordot', a, 'Cast the operands first.');
    requireDistinctDims('tensordot', dimsA, a);
    requireDistinctDims('tensordot', dimsB, b);
    if (dimsA.length !== dimsB.length || dimsA.some((dim, i) => a.shape[dim] !== b.shape[dimsB[i] as number])) {
      throw argumentError(
        'shape-mismatch',
        'tensordot',
        `dims [${dimsA.join(',')}] and [${dimsB.join(',')}] do not match`,
        { a, b },
      );
    }
    const rest = (x: TensorSpec, dims: readonly number[]): number[] => x.shape.filter((_, dim) => !dims.includes(dim));
    return { shape: [...rest(a, dimsA), ...rest(b, dimsB)], dtype: a.dtype };
  },
  einsum({ tensors }, { equation }) {
    const first = tensors[0];
    if (!first) throw new TensorError('invalid-argument', 'einsum: the list of tensors is empty');
    requireSameDType('einsum', Object.fromEntries(tensors.map((x, i) => [`operand ${i}`, x])));
    notBool('einsum', first, 'Cast the operands first.');
    const { output, sizes } = planEinsum(equation, tensors);
    return { shape: output.map((label) => sizes.get(label) as number), dtype: first.dtype };
  },
  bilinear({ a, b, weight, bias }) {
    const args = { a, b, weight, bias };
    requireSameDType('bilinear', args);
    requireFloat('bilinear', { a });
    const [outFeatures, left, right] = weight.shape;
    if (weight.shape.length !== 3 || a.shape.at(-1) !== left || b.shape.at(-1) !== right) {
      throw argumentError('shape-mismatch', 'bilinear', 'weight is not [out, features of a, features of b]', args);
    }
    const leading = a.shape.slice(0, -1);
    if (!sameShape(leading, b.shape.slice(0, -1))) {
      throw argumentError('shape-mismatch', 'bilinear', 'a and b differ before their last dimension', args);
    }
    if (bias && !sameShape(bias.shape, [outFeatures as number])) {
      throw argumentError('shape-mismatch', 'bilinear', 'bias does not match the output features', args);
    }
    return { shape: [...leading, outFeatures as number], dtype: a.dtype };
  },
  scaledDotProductAttention({ query, key, value, mask }, { scale, ...drop }) {
    const args = { query, key, value, mask };
    const fail = (problem: string): TensorError =>
      argumentError('shape-mismatch', 'scaledDotProductAttention', problem, args);
    requireSameDType('scaledDotProductAttention', { query, key, value });
    requireFloat('scaledDotProductAttention', { query });
    requireDropout('scaledDotProductAttention', drop, args);
    if (!Number.isFinite(scale)) {
      throw argumentError('invalid-argument', 'scaledDotProductAttention', `scale is ${scale}`, args);
    }
    if ([query, key, value].some(({ shape }) => shape.length < 2)) throw fail('needs at least 2 dimensions');
    const [queries, width] = query.shape.slice(-2) as [number, number];
    const [keys, keyWidth] = key.shape.slice(-2) as [number, number];
    if (width !== keyWidth) throw fail('query and key differ in their last dimension');
    if (keys !== value.shape.at(-2)) throw fail('there is not one value per key');
    const batches = [query, key, value].map(({ shape }) => shape.slice(0, -2));
    const batch = batches.reduce<number[] | undefined>((soFar, b) => soFar && broadcastShapes(soFar, b), []);
    if (!batch) throw fail('batch dimensions do not broadcast');
    if (mask) {
      if (mask.dtype !== 'bool') requireFloat('scaledDotProductAttention', { mask }, 'Use a bool or float mask.');
      const scores = [...batch, queries, keys];
      const reached = broadcastShapes(mask.shape, scores);
      if (!reached || !sameShape(reached, scores)) throw fail(`mask does not broadcast to [${scores.join(',')}]`);
    }
    return { shape: [...batch, queries, value.shape.at(-1) as number], dtype: query.dtype };
  },
  linear({ x, weight, bias }) {
    requireSameDType('linear', { x, weight, bias });
    requireFloat('linear', { x });
    const [outFeatures, inFeatures] = weight.shape;
    if (weight.shape.length !== 2 || x.shape.length === 0 || x.shape.at(-1) !== inFeatures) {
      throw argumentError('shape-mismatch', 'linear', "x's last dimension is not weight's second", { x, weight });
    }
    if (bias && !sameShape(bias.shape, [outFeatures as number])) {
      throw argumentError('shape-mismatch', 'linear', 'bias does not match the output features', { weight, bias });
    }
    return { shape: [...x.shape.slice(0, -1), outFeatures as number], dtype: x.dtype };
  },
  convolution({ x, weight, bias }, attrs) {
    requireSameDType('convolution', { x, weight, bias });
    requireFloat('convolution', { x });
    checkConvolution('convolution', x, weight, attrs);
    const outChannels = weight.shape[0] as number;
    if (bias && !sameShape(bias.shape, [outChannels])) {
      throw argumentError('shape-mismatch', 'convolution', 'bias does not match the output channels', { weight, bias });
    }
    const spatial = convolved('convolution', x.shape.slice(2), weight.shape.slice(2), attrs, { x, weight });
    const shape = [x.shape[0] as number, outChannels, ...spatial];
    requireAllocatable('convolution', shape);
    return { shape, dtype: x.dtype };
  },
  convolutionInputGrad({ gradOut, weight }, attrs) {
    requireSameDType('convolutionInputGrad', { gradOut, weight });
    requireFloat('convolutionInputGrad', { gradOut });
    const inChannels = (weight.shape[1] as number) * attrs.groups;
    const x: TensorSpec = { shape: [gradOut.shape[0] as number, inChannels, ...attrs.size], dtype: gradOut.dtype };
    checkConvolution('convolutionInputGrad', x, weight, attrs);
    requireConvolved('convolutionInputGrad', gradOut, x, weight, attrs);
    return x;
  },
  convolutionWeightGrad({ gradOut, x }, attrs) {
    requireSameDType('convolutionWeightGrad', { gradOut, x });
    requireFloat('convolutionWeightGrad', { gradOut });
    const channels = [gradOut.shape[1] as number, Math.floor((x.shape[1] as number) / attrs.groups)];
    const weight: TensorSpec = { shape: [...channels, ...attrs.size], dtype: gradOut.dtype };
    checkConvolution('convolutionWeightGrad', x, weight, attrs);
    requireConvolved('convolutionWeightGrad', gradOut, x, weight, attrs);
    return weight;
  },

  maxPool({ x }, attrs) {
    const shape = pooled('maxPool', x, attrs);
    if (attrs.windows.some((dim) => dim.some(({ start, end }) => start >= end))) {
      throw argumentError('invalid-argument', 'maxPool', 'a window covers nothing but padding', { x });
    }
    return { out: { shape, dtype: x.dtype }, indices: { shape, dtype: 'int32' } };
  },
  avgPool({ x }, attrs) {
    requireFloat('avgPool', { x });
    return { shape: pooled('avgPool', x, attrs), dtype: x.dtype };
  },
  avgPoolGrad({ gradOut }, attrs) {
    requireFloat('avgPoolGrad', { gradOut });
    const x = withLastDims('avgPoolGrad', gradOut, attrs.windows.length, attrs.size);
    if (!sameShape(pooled('avgPoolGrad', x, attrs), gradOut.shape)) {
      throw argumentError('shape-mismatch', 'avgPoolGrad', 'grad has another shape than the windows', { gradOut });
    }
    return x;
  },

  interpolate({ x }, { axes }) {
    requireFloat('interpolate', { x });
    return { shape: resampled('interpolate', x, axes), dtype: x.dtype };
  },
  interpolateGrad({ gradOut }, { axes, size }) {
    requireFloat('interpolateGrad', { gradOut });
    const x = withLastDims('interpolateGrad', gradOut, axes.length, size);
    if (!sameShape(resampled('interpolateGrad', x, axes), gradOut.shape)) {
      throw argumentError('shape-mismatch', 'interpolateGrad', 'grad has another shape than the samples', { gradOut });
    }
    return x;
  },

  layerNorm({ x, weight, bias }, { rank }) {
    requireFloat('layerNorm', { x, weight, bias });
    requireAffine('layerNorm', x, { weight, bias }, normalizedShape('layerNorm', x, rank));
    const statistics = { shape: statisticsShape(x, rank), dtype: computeDType(x.dtype) };
    return { out: like(x), mean: statistics, rstd: statistics };
  },
  layerNormGrad({ gradOut, x, weight, mean, rstd }, { rank }) {
    requireFloat('layerNormGrad', { gradOut, x, weight, mean, rstd });
    const normalized = normalizedShape('layerNormGrad', x, rank);
    requireAffine('layerNormGrad', x, { weight }, normalized);
    if (
      !sameShape(gradOut.shape, x.shape) ||
      ![mean, rstd].every((s) => sameShape(s.shape, statisticsShape(x, rank)))
    ) {
      throw argumentError('shape-mismatch', 'layerNormGrad', 'statistics or gradient do not fit x', {
        gradOut,
        x,
        mean,
        rstd,
      });
    }
    const affine = { shape: normalized, dtype: weight?.dtype ?? computeDType(x.dtype) };
    return { x: like(x), weight: affine, bias: affine };
  },
  groupNorm({ x, weight, bias }, { groups }) {
    requireFloat('groupNorm', { x, weight, bias });
    const channels = channelShape('groupNorm', x);
    requireAffine('groupNorm', x, { weight, bias }, channels);
    if (!(Number.isInteger(groups) && groups >= 1 && (channels[0] as number) % groups === 0)) {
      throw argumentError('shape-mismatch', 'groupNorm', `${groups} groups do not divide ${channels[0]} channels`, {
        x,
      });
    }
    return like(x);
  },
  rmsNorm({ x, weight }, { rank }) {
    requireFloat('rmsNorm', { x, weight });
    requireAffine('rmsNorm', x, { weight }, normalizedShape('rmsNorm', x, rank));
    return like(x);
  },
  batchNorm({ x, weight, bias, runningMean, runningVar }) {
    requireFloat('batchNorm', { x, weight, bias, runningMean, runningVar });
    const channels = channelShape('batchNorm', x);
    requireAffine('batchNorm', x, { weight, bias, runningMean, runningVar }, channels);
    if (!runningMean !== !runningVar) {
      throw argumentError('invalid-argument', 'batchNorm', 'give both running statistics or none', {
        x,
        runningMean,
        runningVar,
      });
    }
    if (!runningMean && sizeOf(x.shape) / Math.max(channels[0] as number, 1) === 1) {
      throw argumentError(
        'invalid-argument',
        'batchNorm',
        'a batch of one value per channel has no variance',
        { x },
        'Call eval(), or use a larger batch.',
      );
    }
    const statistics = { shape: channels, dtype: runningMean?.dtype ?? computeDType(x.dtype) };
    return { out: like(x), mean: statistics, variance: statistics };
  },
  batchNormGrad({ gradOut, x, weight, mean, variance }, { statistics }) {
    requireOneOf('batchNormGrad', 'statistics', statistics, ['batch', 'given']);
    requireFloat('batchNormGrad', { gradOut, x, weight, mean, variance });
    const channels = channelShape('batchNormGrad', x);
    requireAffine('batchNormGrad', x, { weight, mean, variance }, channels);
    if (!sameShape(gradOut.shape, x.shape)) {
      throw argumentError('shape-mismatch', 'batchNormGrad', 'gradient does not fit x', { gradOut, x });
    }
    const affine = { shape: channels, dtype: weight?.dtype ?? computeDType(x.dtype) };
    return { x: like(x), weight: affine, bias: affine };
  },

  nllLoss({ input, target, weight }, { reduction }) {
    requireFloat('nllLoss', { input });
    return classLoss('nllLoss', input, target, weight, reduction);
  },
  crossEntropy({ input, target, weight }, { reduction, labelSmoothing }) {
    requireFloat('crossEntropy', { input });
    requireSmoothing('crossEntropy', labelSmoothing, input);
    return classLoss('crossEntropy', input, target, weight, reduction);
  },
  probabilityCrossEntropy({ input, target, weight }, { reduction, labelSmoothing }) {
    requireSmoothing('crossEntropy', labelSmoothing, input);
    return probabilityLoss('crossEntropy', input, target, weight, reduction);
  },
  mseLoss: ({ input, target }, { reduction }) => pairLoss('mseLoss', { input, target }, reduction),
  l1Loss: ({ input, target }, { reduction }) => pairLoss('l1Loss', { input, target }, reduction),
  smoothL1Loss({ input, target }, { beta, reduction }) {
    if (!(beta >= 0)) {
      throw argumentError('invalid-argument', 'smoothL1Loss', `beta is ${beta}`, { input }, 'It cannot be negative.');
    }
    return pairLoss('smoothL1Loss', { input, target }, reduction);
  },
  huberLoss({ input, target }, { delta, reduction }) {
    if (!(delta > 0)) {
      throw argumentError('invalid-argument', 'huberLoss', `delta is ${delta}`, { input }, 'It must be positive.');
    }
    return pairLoss('huberLoss', { input, target }, reduction);
  },
  klDiv: ({ input, target }, { reduction }) => pairLoss('klDiv', { input, target }, reduction),
  poissonNllLoss: ({ input, target }, { reduction }) =>
    labelLoss('poissonNllLoss', { input }, target, input.shape, reduction),
  gaussianNllLoss({ input, target, variance }, { eps, reduction }) {
    if (!(eps > 0)) {
      throw argumentError('invalid-argument', 'gaussianNllLoss', `eps is ${eps}`, { input }, 'It must be positive.');
    }
    requireFloat('gaussianNllLoss', { variance });
    return pairLoss('gaussianNllLoss', { input, target, variance }, reduction);
  },
  softMarginLoss: ({ input, target }, { reduction }) =>
    labelLoss('softMarginLoss', { input }, target, input.shape, reduction),
  hingeEmbeddingLoss: ({ input, target }, { reduction }) =>
    labelLoss('hingeEmbeddingLoss', { input }, target, input.shape, reduction),
  marginRankingLoss: ({ a, b, target }, { reduction }) =>
    labelLoss('marginRankingLoss', { a, b }, target, a.shape, reduction),
  cosineEmbeddingLoss: ({ a, b, target }, { reduction }) =>
    labelLoss('cosineEmbeddingLoss', { a, b }, target, a.shape.slice(0, -1), reduction),
  tripletMarginLoss({ anchor, positive, negative }, { p, reduction }) {
    const args = { anchor, positive, negative };
    requireNormOrder('tripletMarginLoss', p, args);
    requireFloat('tripletMarginLoss', args);
    if (anchor.shape.length === 0 || [positive, negative].some(({ shape }) => !sameShape(shape, anchor.shape))) {
      throw argumentError('shape-mismatch', 'tripletMarginLoss', 'needs vectors of one shape', args);
    }
    if (p === Number.POSITIVE_INFINITY && anchor.shape.at(-1) === 0) throw noElements('tripletMarginLoss', args);
    const dtype = promoteTypes(promoteTypes(anchor.dtype, positive.dtype), negative.dtype);
    return { shape: lossShape('tripletMarginLoss', anchor.shape.slice(0, -1), reduction), dtype };
  },
  multiMarginLoss({ input, target, weight }, { p, reduction }) {
    requireFloat('multiMarginLoss', { input, weight });
    if (p !== 1 && p !== 2) {
      throw argumentError('invalid-argument', 'multiMarginLoss', `p is ${p as number}`, { input }, 'Use 1 or 2.');
    }
    if (input.shape.length > 2 || input.shape.at(-1) === 0) {
      throw argumentError('shape-mismatch', 'multiMarginLoss', 'needs [N, C] or [C] with classes', { input });
    }
    return classLoss('multiMarginLoss', input, target, weight, reduction);
  },
  binaryCrossEntropy: ({ input, target, weight }, { reduction }) =>
    pairLoss('binaryCrossEntropy', { input, target, weight }, reduction),
  binaryCrossEntropyWithLogits: ({ input, target, weight, posWeight }, { reduction }) =>
    pairLoss('binaryCrossEntropyWithLogits', { input, target, weight, posWeight }, reduction),
});
