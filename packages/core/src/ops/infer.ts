import { computeDType, type DType, defaultFloat, dtypes, isFloat } from '../spec/dtype.ts';
import { argumentError, type ErrorCode, TensorError } from '../spec/errors.ts';
import { promoteTypes, resultType } from '../spec/promotion.ts';
import { broadcastShapes, normalizeDim, sameShape, sizeOf } from '../spec/shape.ts';
import { showSpec, type TensorSpec } from '../spec/spec.ts';
import type { ConvolutionAttrs, LossReduction, OpName, Ops, PoolAttrs, Reduction } from './signatures.ts';

/** Table 1 of 5: the shape and dtype of every result, and the only place where arguments are checked. */
export const infer: Ops<TensorSpec> = {
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

  neg: ({ x }) => notBool('neg', like(x), 'Use equal(x, 0).'),
  abs: ({ x }) => notBool('abs', like(x), 'Cast it first.'),
  sign: ({ x }) => like(x),
  exp: ({ x }) => asFloat(x),
  log: ({ x }) => asFloat(x),
  sqrt: ({ x }) => asFloat(x),
  rsqrt: ({ x }) => asFloat(x),
  reciprocal: ({ x }) => asFloat(x),
  sin: ({ x }) => asFloat(x),
  cos: ({ x }) => asFloat(x),
  erf: ({ x }) => asFloat(x),
  tanh: ({ x }) => asFloat(x),
  tanhGrad: ({ gradOut, out }) => fusedGrad('tanhGrad', { gradOut, out }),
  sigmoid: ({ x }) => asFloat(x),
  sigmoidGrad: ({ gradOut, out }) => fusedGrad('sigmoidGrad', { gradOut, out }),
  softplus: ({ x }) => float('softplus', { x }),
  relu: ({ x }) => notBool('relu', like(x), 'Cast it first.'),
  reluGrad: ({ gradOut, out }) => fusedGrad('reluGrad', { gradOut, out }),
  gelu: ({ x }) => float('gelu', { x }),
  geluGrad: ({ gradOut, x }) => fusedGrad('geluGrad', { gradOut, x }),
  clamp({ x }, { min, max }) {
    if (Number.isNaN(min) || Number.isNaN(max))
      throw argumentError('invalid-argument', 'clamp', 'a bound is NaN', { x });
    return notBool('clamp', like(x), 'Cast it first.');
  },
  isFinite: ({ x }) => ({ shape: x.shape, dtype: 'bool' }),
  cast: ({ x }, { dtype }) => ({ shape: x.shape, dtype }),
  dropout({ x }, { p }) {
    if (!(p >= 0 && p <= 1)) throw argumentError('invalid-argument', 'dropout', `p is ${p}, not in [0, 1]`, { x });
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
    return { shape: [...source.shape.slice(0, dim), size, ...source.shape.slice(dim + rank)], dtype: source.dtype };
  },
  gather({ x, index }, { dim }) {
    requireDType('gather', 'index', index, 'int32');
    requireAligned('gather', dim, x, index);
    return { shape: index.shape, dtype: x.dtype };
  },
  scatterAdd({ index, source }, { dim, size }) {
    requireDType('scatterAdd', 'index', index, 'int32');
    requireDim('scatterAdd', dim, source);
    if (!sameShape(index.shape, source.shape) || !isCount(size)) {
      throw argumentError('shape-mismatch', 'scatterAdd', 'index and source differ in shape', { index, source });
    }
    return { shape: source.shape.map((n, d) => (d === dim ? size : n)), dtype: source.dtype };
  },

  sum: ({ x }, attrs) => ({ shape: reduced('sum', x, attrs), dtype: attrs.dtype ?? sumDType(x.dtype) }),
  mean({ x }, attrs) {
    requireFloat('mean', { x }, 'Cast it first.');
    return { shape: reduced('mean', x, attrs), dtype: x.dtype };
  },
  variance({ x }, attrs) {
    requireFloat('variance', { x }, 'Cast it first.');
    return { shape: reduced('variance', x, attrs), dtype: x.dtype };
  },
  amax({ x }, attrs) {
    const shape = reduced('amax', x, attrs);
    if (attrs.dims.some((dim) => x.shape[dim] === 0)) {
      throw argumentError('invalid-argument', 'amax', 'the maximum of no elements is undefined', { x });
    }
    return { shape, dtype: x.dtype };
  },
  argmax({ x }, { dim, keepDim }) {
    requireDim('argmax', dim, x);
    if (x.shape[dim] === 0) {
      throw argumentError('invalid-argument', 'argmax', 'the maximum of no elements is undefined', { x });
    }
    return { shape: reduced('argmax', x, { dims: x.shape.length ? [dim] : [], keepDim }), dtype: 'int32' };
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
    return { shape: [x.shape[0] as number, outChannels, ...spatial], dtype: x.dtype };
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
    const x: TensorSpec = {
      shape: [...gradOut.shape.slice(0, -attrs.size.length), ...attrs.size],
      dtype: gradOut.dtype,
    };
    if (!sameShape(pooled('avgPoolGrad', x, attrs), gradOut.shape)) {
      throw argumentError('shape-mismatch', 'avgPoolGrad', 'grad has another shape than the windows', { gradOut });
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
  batchNormGrad({ gradOut, x, weight, mean, variance }) {
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
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
      throw argumentError('invalid-argument', 'crossEntropy', `labelSmoothing is ${labelSmoothing}, not in [0, 1]`, {
        input,
      });
    }
    return classLoss('crossEntropy', input, target, weight, reduction);
  },
  mseLoss: ({ input, target }, { reduction }) => pairLoss('mseLoss', { input, target }, reduction),
  binaryCrossEntropy: ({ input, target, weight }, { reduction }) =>
    pairLoss('binaryCrossEntropy', { input, target, weight }, reduction),
  binaryCrossEntropyWithLogits: ({ input, target, weight, posWeight }, { reduction }) =>
    pairLoss('binaryCrossEntropyWithLogits', { input, target, weight, posWeight }, reduction),
};

type Args = Readonly<Record<string, TensorSpec | undefined>>;

// ─── Results ────────────────────────────────────────────────────────────────────────────────────────────────────────

function like({ shape, dtype }: TensorSpec): TensorSpec {
  return { shape, dtype };
}

/** Unary float functions and true division turn integers into the default float (AMP.md D4.5). */
function asFloat({ shape, dtype }: TensorSpec): TensorSpec {
  return { shape, dtype: isFloat(dtype) ? dtype : defaultFloat };
}

function float(op: OpName, { x }: { x: TensorSpec }): TensorSpec {
  requireFloat(op, { x }, 'Cast it first.');
  return like(x);
}

/** Sums of bools and integers are integers wide enough to count (int32 here, where PyTorch has int64). */
function sumDType(dtype: DType): DType {
  return isFloat(dtype) ? dtype : 'int32';
}

function arithmetic(op: OpName, a: TensorSpec, b: TensorSpec): TensorSpec {
  return { shape: broadcast(op, { a, b }), dtype: resultType(a, b) };
}

function comparison(op: OpName, a: TensorSpec, b: TensorSpec): TensorSpec {
  return { shape: broadcast(op, { a, b }), dtype: 'bool' };
}

function broadcast(op: OpName, operands: Readonly<Record<string, TensorSpec>>): number[] {
  return Object.values(operands).reduce<number[]>((shape, operand) => {
    const next = broadcastShapes(shape, operand.shape);
    if (!next) throw argumentError('shape-mismatch', op, 'shapes do not broadcast', operands);
    return next;
  }, []);
}

/** The gradient of an elementwise op: the shape and dtype of what was saved. */
function fusedGrad(op: OpName, args: { gradOut: TensorSpec; x?: TensorSpec; out?: TensorSpec }): TensorSpec {
  const saved = (args.x ?? args.out) as TensorSpec;
  requireFloat(op, args);
  if (!sameShape(args.gradOut.shape, saved.shape))
    throw argumentError('shape-mismatch', op, 'shapes differ', { ...args });
  return like(saved);
}

function reduced(op: OpName, x: TensorSpec, { dims, keepDim }: Reduction): number[] {
  for (const dim of dims) requireDim(op, dim, x);
  const shape = x.shape.map((size, dim) => (dims.includes(dim) ? 1 : size));
  return keepDim ? shape : shape.filter((_, dim) => !dims.includes(dim));
}

function softmaxLike(op: OpName, x: TensorSpec, { dim, dtype }: { dim: number; dtype: DType | undefined }): TensorSpec {
  requireDim(op, dim, x);
  const result = dtype ?? x.dtype;
  if (!isFloat(result))
    throw argumentError('dtype-mismatch', op, 'needs a floating-point dtype', { x }, 'Cast it first.');
  return { shape: x.shape, dtype: result };
}

function softmaxGradLike(op: OpName, gradOut: TensorSpec, out: TensorSpec, dim: number): TensorSpec {
  requireDim(op, dim, out);
  return fusedGrad(op, { gradOut, out });
}

function matrixShape({ shape }: TensorSpec, transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

/** The output size of one convolved dimension: ⌊(in + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1. */
function convolved(
  op: OpName,
  input: readonly number[],
  kernel: readonly number[],
  { stride, padding, dilation }: ConvolutionAttrs,
  args: Args,
): number[] {
  return input.map((size, i) => {
    const reach = (dilation[i] as number) * ((kernel[i] as number) - 1) + 1;
    const padded = size + 2 * (padding[i] as number);
    if (padded < reach) {
      throw argumentError('shape-mismatch', op, `the kernel spans ${reach}, the padded input only ${padded}`, args);
    }
    return Math.floor((padded - reach) / (stride[i] as number)) + 1;
  });
}

function pooled(op: OpName, x: TensorSpec, { windows }: PoolAttrs): number[] {
  const leading = x.shape.length - windows.length;
  if (leading < 0) throw argumentError('shape-mismatch', op, `needs at least ${windows.length} dimensions`, { x });
  windows.forEach((dim, i) => {
    const size = x.shape[leading + i] as number;
    const outside = dim.find(({ start, end }) => start < 0 || end > size);
    if (outside) throw argumentError('invalid-argument', op, `a window reaches ${outside.start}:${outside.end}`, { x });
  });
  return [...x.shape.slice(0, leading), ...windows.map((dim) => dim.length)];
}

function statisticsShape(x: TensorSpec, rank: number): number[] {
  const first = x.shape.length - rank;
  return x.shape.map((size, dim) => (dim < first ? size : 1));
}

function normalizedShape(op: OpName, x: TensorSpec, rank: number): number[] {
  if (!Number.isInteger(rank) || rank < 1 || rank > x.shape.length) {
    throw argumentError('shape-mismatch', op, `cannot normalise the last ${rank} dimensions`, { x });
  }
  return x.shape.slice(x.shape.length - rank);
}

function channelShape(op: OpName, x: TensorSpec): number[] {
  if (x.shape.length < 2) throw argumentError('shape-mismatch', op, 'needs a batch and a channel dimension', { x });
  return [x.shape[1] as number];
}

function lossShape(shape: readonly number[], reduction: LossReduction): readonly number[] {
  return reduction === 'none' ? shape : [];
}

function classLoss(
  op: OpName,
  input: TensorSpec,
  target: TensorSpec,
  weight: TensorSpec | undefined,
  reduction: LossReduction,
): TensorSpec {
  requireDType(op, 'target', target, 'int32');
  const classDim = input.shape.length === 1 ? 0 : 1;
  const expected = input.shape.filter((_, dim) => dim !== classDim);
  if (input.shape.length === 0 || !sameShape(target.shape, expected)) {
    throw argumentError('shape-mismatch', op, `target should have shape [${expected.join(',')}]`, { input, target });
  }
  if (weight && !sameShape(weight.shape, [input.shape[classDim] as number])) {
    throw argumentError('shape-mismatch', op, 'weight needs one entry per class', { input, weight });
  }
  return { shape: lossShape(expected, reduction), dtype: input.dtype };
}

function pairLoss(
  op: OpName,
  args: Args & { input: TensorSpec; target: TensorSpec },
  reduction: LossReduction,
): TensorSpec {
  const { input, target } = args;
  requireFloat(op, { input, target });
  if (!sameShape(input.shape, target.shape)) {
    throw argumentError(
      'shape-mismatch',
      op,
      'input and target differ in shape',
      { input, target },
      'Expand one of them first.',
    );
  }
  for (const [name, operand] of Object.entries(args)) {
    const reached = operand && broadcastShapes(operand.shape, input.shape);
    if (operand && !(reached && sameShape(reached, input.shape))) {
      throw argumentError('shape-mismatch', op, `${name} does not broadcast to input`, args);
    }
  }
  return { shape: lossShape(input.shape, reduction), dtype: promoteTypes(input.dtype, target.dtype) };
}

// ─── Requirements ───────────────────────────────────────────────────────────────────────────────────────────────────

function isCount(n: number): boolean {
  return Number.isInteger(n) && n >= 0;
}

function requireDim(op: OpName, dim: number, x: TensorSpec): void {
  if (dim < 0) throw new TensorError('invalid-argument', `${op}: dim ${dim} must be counted from the front here`);
  normalizeDim(op, dim, x.shape.length);
}

function requireShape(op: OpName, shape: readonly number[]): void {
  if (!shape.every(isCount)) {
    throw new TensorError('invalid-argument', `${op}: [${shape.join(',')}] is not a shape`);
  }
}

function requireLength(op: OpName, name: string, list: readonly unknown[], rank: number): void {
  if (list.length !== rank) {
    throw new TensorError('invalid-argument', `${op}: ${name} has ${list.length} entries for ${rank} dimensions`);
  }
}

function requireDType(op: OpName, name: string, spec: TensorSpec, dtype: DType): void {
  if (spec.dtype !== dtype) {
    throw argumentError(
      'dtype-mismatch',
      op,
      `${name} must be ${dtype}`,
      { [name]: spec },
      `Use ${name}.to('${dtype}').`,
    );
  }
}

function requireFloat(op: OpName, args: Args, fix?: string): void {
  if (Object.values(args).some((spec) => spec && !isFloat(spec.dtype))) {
    throw argumentError('dtype-mismatch', op, 'needs floating-point tensors', args, fix);
  }
}

/** Matmul-like ops do not promote (AMP.md D4.7). */
function requireSameDType(op: OpName, args: Args): void {
  const [first, ...rest] = Object.values(args).filter((spec) => spec !== undefined);
  if (rest.some((spec) => spec.dtype !== first?.dtype)) {
    throw argumentError('dtype-mismatch', op, 'dtypes differ', args, 'Cast one operand, or run it under autocast.');
  }
}

function notBool(op: OpName, spec: TensorSpec, fix: string): TensorSpec {
  if (dtypes[spec.dtype].category === 'bool') {
    throw new TensorError('dtype-mismatch', `${op}: not defined for bool (${showSpec(spec)}). ${fix}`);
  }
  return spec;
}

function requireAligned(op: OpName, dim: number, x: TensorSpec, index: TensorSpec): void {
  requireDim(op, dim, x);
  const aligned =
    x.shape.length === index.shape.length && index.shape.every((n, d) => d === dim || n <= (x.shape[d] as number));
  if (!aligned) throw argumentError('shape-mismatch', op, `index does not fit x outside dim ${dim}`, { x, index });
}

function checkConvolution(op: OpName, x: TensorSpec, weight: TensorSpec, attrs: ConvolutionAttrs): void {
  const args = { x, weight };
  const fail = (problem: string, code: ErrorCode = 'shape-mismatch') => argumentError(code, op, problem, args);
  const rank = weight.shape.length - 2;
  if (rank < 1 || x.shape.length !== weight.shape.length) throw fail('x and weight need the same rank, at least 3');
  const { stride, padding, dilation, groups } = attrs;
  if ([stride, padding, dilation].some((list) => list.length !== rank)) {
    throw fail(`stride, padding and dilation need ${rank} entries`, 'invalid-argument');
  }
  const positive = [...stride, ...dilation, groups].every((n) => Number.isInteger(n) && n >= 1);
  if (!positive || !padding.every(isCount)) {
    throw fail('stride, dilation and groups must be positive, padding not negative', 'invalid-argument');
  }
  if (x.shape[1] !== (weight.shape[1] as number) * groups) {
    throw fail(`x has ${x.shape[1]} channels, weight wants ${weight.shape[1]} for each of ${groups} groups`);
  }
  if ((weight.shape[0] as number) % groups !== 0) throw fail(`${groups} groups do not divide the output channels`);
}

function requireConvolved(
  op: OpName,
  gradOut: TensorSpec,
  x: TensorSpec,
  weight: TensorSpec,
  attrs: ConvolutionAttrs,
): void {
  const spatial = convolved(op, x.shape.slice(2), weight.shape.slice(2), attrs, { gradOut, x, weight });
  if (!sameShape(gradOut.shape, [x.shape[0] as number, weight.shape[0] as number, ...spatial])) {
    throw argumentError('shape-mismatch', op, 'grad is not what this convolution produces', { gradOut, x, weight });
  }
}

/** Affine parameters and statistics: the given shape, and a dtype that x can be computed in without narrowing. */
function requireAffine(op: OpName, x: TensorSpec, params: Args, shape: readonly number[]): void {
  for (const [name, param] of Object.entries(params)) {
    if (!param) continue;
    if (!sameShape(param.shape, shape)) {
      throw argumentError('shape-mismatch', op, `${name} should have shape [${shape.join(',')}]`, { x, [name]: param });
    }
    if (param.dtype !== x.dtype && param.dtype !== computeDType(x.dtype)) {
      throw argumentError('dtype-mismatch', op, `${name} must be ${x.dtype} or ${computeDType(x.dtype)}`, {
        x,
        [name]: param,
      });
    }
  }
}
