import { cpu } from '@halfgrad/backend-cpu';
import * as hg from '@halfgrad/core';
import { type DType, full, type HalfDType, type Tensor, TensorError, tensor } from '@halfgrad/core';
import { GRUCell, LSTMCell, MultiheadAttention, RNN, RNNCell, TransformerEncoderLayer } from '@halfgrad/nn';
import { describeShared, readJson } from '@halfgrad/testing';
import { expect, test } from 'vitest';
import { autocast } from './autocast.ts';
import { cpuPolicy } from './policies.ts';
import { acceleratorPolicy, type PolicyTable } from './policy.ts';

hg.setDefaultDevice(cpu);

interface Table {
  readonly ops: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

interface Castable {
  to(dtype: DType): unknown;
}

/** An op of the tables: the shapes of its floating-point arguments, and how the library calls it. */
interface Case {
  readonly shapes: readonly (readonly number[])[];
  readonly run: (...inputs: Tensor[]) => Tensor;
}

const int32 = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });
const one = (run: (x: Tensor) => Tensor, shape: readonly number[] = [4, 4]): Case => ({ shapes: [shape], run });
const two = (run: (a: Tensor, b: Tensor) => Tensor, a: readonly number[] = [4, 4], b: readonly number[] = a): Case => ({
  shapes: [a, b],
  run,
});
const three = (run: (a: Tensor, b: Tensor, c: Tensor) => Tensor, ...shapes: [number[], number[], number[]]): Case => ({
  shapes,
  run,
});
const none = (run: () => Tensor): Case => ({ shapes: [], run });
const linearThen = (after: (y: Tensor) => Tensor): Case => two((x, w) => after(hg.linear(x, w)));

/** A module whose parameters have the dtype of the second argument. */
const layer = (
  create: () => Castable,
  run: (module: never, x: Tensor, other: Tensor) => Tensor,
  ...shapes: [number[], number[]]
): Case => ({
  shapes,
  run: (x, other) => run(create().to((other as Tensor).dtype) as never, x as Tensor, other as Tensor),
});

const labels = int32([0, 1, 2, 3]);
const mask = tensor([true, false, true, false]);
const image = [2, 4, 4, 4];

/** The ops of the tables that the library has, by the tables' names. */
const cases: Readonly<Record<string, Case>> = {
  mm: two(hg.matmul),
  matmul_2d: two(hg.matmul),
  matmul_batched: two(hg.matmul, [2, 4, 4]),
  'matmul_1d1d (dot)': two(hg.matmul, [4]),
  mv: two(hg.mv, [4, 4], [4]),
  bmm: two(hg.bmm, [2, 4, 4]),
  baddbmm: three(hg.baddbmm, [2, 4, 4], [2, 4, 4], [2, 4, 4]),
  'einsum ij,jk->ik': two((a, b) => hg.einsum('ij,jk->ik', a, b)),
  'einsum elementwise i,i->i': two((a, b) => hg.einsum('i,i->i', a, b), [4]),
  dot: two(hg.dot, [4]),
  outer: two(hg.outer, [4]),
  tensordot: two((a, b) => hg.tensordot(a, b, { dims: 1 })),
  cross: two((a, b) => hg.cross(a, b), [4, 3]),
  bilinear: three(hg.bilinear, [4, 2], [4, 3], [5, 2, 3]),
  scaled_dot_product_attention: three(hg.scaledDotProductAttention, [2, 4, 4], [2, 4, 4], [2, 4, 4]),
  addmm: three(hg.addmm, [4, 4], [4, 4], [4, 4]),
  linear: two(hg.linear),
  'linear+bias': three(hg.linear, [4, 4], [4, 4], [4]),
  conv1d: two(hg.conv1d, [1, 4, 4], [4, 4, 1]),
  conv2d: two(hg.conv2d, [1, 4, 4, 4], [4, 4, 1, 1]),
  conv3d: two(hg.conv3d, [1, 4, 2, 2, 2], [4, 4, 1, 1, 1]),
  conv_transpose2d: two(hg.convTranspose2d, [1, 4, 4, 4], [4, 4, 1, 1]),
  'conv2d padding=same': two((x, w) => hg.conv2d(x, w, undefined, { padding: 'same' }), [1, 4, 4, 4], [4, 4, 2, 2]),
  prelu: two(hg.prelu, [4, 4], [4]),

  lstm_cell: layer(
    () => new LSTMCell(4, 4),
    (cell: LSTMCell, x, state) => cell.forward(x, { hidden: state, cell: state }).hidden,
    [4, 4],
    [4, 4],
  ),
  gru_cell: layer(
    () => new GRUCell(4, 4),
    (cell: GRUCell, x, state) => cell.forward(x, state),
    [4, 4],
    [4, 4],
  ),
  rnn_tanh_cell: layer(
    () => new RNNCell(4, 4),
    (cell: RNNCell, x, state) => cell.forward(x, state),
    [4, 4],
    [4, 4],
  ),
  rnn_relu_cell: layer(
    () => new RNNCell(4, 4, { nonlinearity: 'relu' }),
    (cell: RNNCell, x, state) => cell.forward(x, state),
    [4, 4],
    [4, 4],
  ),
  'nn.RNN': layer(
    () => new RNN(4, 4),
    (module: RNN, x) => module.forward(x).output,
    [2, 2, 4],
    [1],
  ),
  'nn.MultiheadAttention': layer(
    () => new MultiheadAttention(4, 2),
    (module: MultiheadAttention, x) => module.forward(x).output,
    [2, 2, 4],
    [1],
  ),
  'nn.TransformerEncoderLayer(train)': layer(
    () => new TransformerEncoderLayer(4, 2, { dimFeedforward: 4 }),
    (module: TransformerEncoderLayer, x) => module.forward(x),
    [2, 2, 4],
    [1],
  ),

  exp: one(hg.exp),
  expm1: one(hg.expm1),
  log: one(hg.log),
  log10: one(hg.log10),
  log2: one(hg.log2),
  log1p: one(hg.log1p),
  sqrt: one(hg.sqrt),
  rsqrt: one(hg.rsqrt),
  reciprocal: one(hg.reciprocal),
  sin: one(hg.sin),
  cos: one(hg.cos),
  tan: one(hg.tan),
  sinh: one(hg.sinh),
  cosh: one(hg.cosh),
  tanh: one(hg.tanh),
  sigmoid: one(hg.sigmoid),
  erf: one(hg.erf),
  abs: one(hg.abs),
  neg: one(hg.neg),
  relu: one(hg.relu),
  floor: one(hg.floor),
  round: one(hg.round),
  sign: one(hg.sign),
  square: one(hg.square),
  acos: one(hg.acos),
  asin: one(hg.asin),
  atan: one(hg.atan),
  'pow(x,2.5)': one((x) => hg.pow(x, 2.5)),
  'x**2': one((x) => x.pow(2)),
  'pow(2.0,x)': one((x) => hg.pow(2, x)),
  'pow(x,y)': two(hg.pow),
  '1.0/x': one(hg.reciprocal),
  'x/2': one((x) => x.div(2)),
  softplus: one(hg.softplus),
  gelu: one(hg.gelu),
  silu: one(hg.silu),
  elu: one(hg.elu),
  leaky_relu: one(hg.leakyRelu),
  hardswish: one(hg.hardswish),
  mish: one(hg.mish),
  logsigmoid: one(hg.logSigmoid),
  dropout: one((x) => hg.dropout(x)),
  clamp: one((x) => hg.clamp(x, { min: 0, max: 1 })),
  glu: one((x) => hg.glu(x)),

  add: two(hg.add),
  sub: two(hg.sub),
  mul: two(hg.mul),
  div: two(hg.div),
  maximum: two(hg.maximum),
  minimum: two(hg.minimum),
  atan2: two(hg.atan2),
  fmod: two(hg.fmod),
  eq: two(hg.equal),
  where: two((a, b) => hg.where(mask, a, b)),
  lerp: two((a, b) => hg.lerp(a, b, 0.5)),
  addcmul: three(hg.addcmul, [4], [4], [4]),
  addcdiv: three(hg.addcdiv, [4], [4], [4]),

  softmax: one((x) => hg.softmax(x, 1)),
  'softmax(dtype=float64)': one((x) => hg.softmax(x, 1, { dtype: 'float64' })),
  log_softmax: one((x) => hg.logSoftmax(x, 1)),
  'F.softmin': one((x) => hg.softmin(x, 1)),
  logsumexp: one((x) => hg.logsumexp(x, 1)),
  sum: one((x) => hg.sum(x)),
  'sum(dim)': one((x) => hg.sum(x, 1)),
  'sum(dtype=float64)': one((x) => hg.sum(x, undefined, { dtype: 'float64' })),
  mean: one((x) => hg.mean(x)),
  'mean(dim)': one((x) => hg.mean(x, 1)),
  var: one((x) => hg.variance(x)),
  std: one((x) => hg.std(x)),
  max: one((x) => hg.amax(x)),
  'amax(dim)': one((x) => hg.amax(x, 1)),
  argmax: one((x) => hg.argmax(x, 1)),
  norm: one((x) => hg.norm(x)),
  'norm(p=1,dim)': one((x) => hg.norm(x, 1, 1)),
  'linalg.vector_norm': one((x) => hg.norm(x)),
  prod: one((x) => hg.prod(x)),
  'prod(dim)': one((x) => hg.prod(x, 1)),
  cumsum: one((x) => hg.cumsum(x, 1)),
  cumprod: one((x) => hg.cumprod(x, 1)),
  topk: one((x) => hg.topk(x, 2).values),
  sort: one((x) => hg.sort(x).values),
  cosine_similarity: two((a, b) => hg.cosineSimilarity(a, b)),
  dist: two((a, b) => hg.dist(a, b)),
  cdist: two((a, b) => hg.cdist(a, b)),
  'F.normalize': one((x) => hg.normalize(x)),

  layer_norm: three((x, weight, bias) => hg.layerNorm(x, [4], { weight, bias }), [4, 4], [4], [4]),
  'layer_norm(no affine)': one((x) => hg.layerNorm(x, [4])),
  group_norm: three((x, weight, bias) => hg.groupNorm(x, 2, { weight, bias }), image, [4], [4]),
  rms_norm: one((x) => hg.rmsNorm(x, [4])),
  'batch_norm(train)': three((x, weight, bias) => hg.batchNorm(x, { weight, bias }).out, image, [4], [4]),
  'batch_norm(eval)': {
    shapes: [image, [4], [4]],
    run: (x, runningMean, runningVar) =>
      hg.batchNorm(x as Tensor, { runningMean: runningMean as Tensor, runningVar: runningVar as Tensor }).out,
  },
  instance_norm: one((x) => hg.instanceNorm(x), image),

  mse_loss: two(hg.mseLoss),
  l1_loss: two(hg.l1Loss),
  smooth_l1_loss: two(hg.smoothL1Loss),
  huber_loss: two(hg.huberLoss),
  kl_div: two(hg.klDiv),
  poisson_nll_loss: two(hg.poissonNllLoss),
  gaussian_nll_loss: three(hg.gaussianNllLoss, [4], [4], [4]),
  soft_margin_loss: two(hg.softMarginLoss),
  hinge_embedding_loss: two(hg.hingeEmbeddingLoss),
  margin_ranking_loss: two((a, b) => hg.marginRankingLoss(a, b, hg.ones([4])), [4]),
  cosine_embedding_loss: two((a, b) => hg.cosineEmbeddingLoss(a, b, hg.ones([4]))),
  triplet_margin_loss: three(hg.tripletMarginLoss, [4, 4], [4, 4], [4, 4]),
  multi_margin_loss: one((x) => hg.multiMarginLoss(x, labels)),
  'cross_entropy(index)': one((x) => hg.crossEntropy(x, labels)),
  'cross_entropy(index,weight)': two((x, weight) => hg.crossEntropy(x, labels, { weight }), [4, 4], [4]),
  'cross_entropy(label_smoothing)': one((x) => hg.crossEntropy(x, labels, { labelSmoothing: 0.1 })),
  'cross_entropy(prob)': two(hg.crossEntropy),
  nll_loss: one((x) => hg.nllLoss(x, labels)),
  bce: two(hg.binaryCrossEntropy),
  bce_with_logits: two(hg.binaryCrossEntropyWithLogits),

  cat: two((a, b) => hg.concat([a, b])),
  stack: two((a, b) => hg.stack([a, b])),
  embedding: one((w) => hg.embedding(labels, w)),
  index_select: one((x) => hg.indexSelect(x, 0, labels)),
  gather: one((x) => hg.gather(x, 1, int32([[0], [1], [2], [3]]))),
  index_add: two((x, source) => hg.indexAdd(x, 0, labels, source)),
  masked_fill: one((x) => hg.maskedFill(x, mask, 1)),
  'masked_fill(-inf)': one((x) => hg.maskedFill(x, mask, Number.NEGATIVE_INFINITY)),
  pad: one((x) => hg.pad(x, [1, 1])),
  'pad(reflect 2d)': one((x) => hg.pad(x, [1, 1, 1, 1], { mode: 'reflect' }), image),
  'interpolate nearest': one((x) => hg.interpolate(x, { scaleFactor: 2 }), image),
  'interpolate bilinear': one((x) => hg.interpolate(x, { scaleFactor: 2, mode: 'bilinear' }), image),
  pixel_shuffle: one((x) => hg.pixelShuffle(x, 2), image),
  unfold: one((x) => hg.unfold(x, 2), image),
  tril: one((x) => hg.tril(x)),
  local_response_norm: one((x) => hg.localResponseNorm(x, 2), image),
  scatter_add: two((x, source) => hg.scatterAdd(x, 0, int32([[0], [1], [2], [3]]), source), [4, 4], [4, 1]),
  index_copy: two((x, source) => hg.indexCopy(x, 0, labels, source)),
  max_pool2d: one((x) => hg.maxPool2d(x, 2), image),
  avg_pool2d: one((x) => hg.avgPool2d(x, 2), image),
  adaptive_avg_pool2d: one((x) => hg.adaptiveAvgPool2d(x, 2), image),
  max_pool3d: one((x) => hg.maxPool3d(x, 2), [1, ...image]),
  avg_pool3d: one((x) => hg.avgPool3d(x, 2), [1, ...image]),

  '(x@w).relu().sum() chain': two((x, w) => hg.matmul(x, w).relu().sum()),
  'residual x+linear(x)': two((x, w) => x.add(hg.linear(x, w))),
  'linear->layer_norm->linear': two((x, w) => hg.linear(hg.layerNorm(hg.linear(x, w), [4]), w)),
  'linear->batch_norm': {
    shapes: [[4, 4], [4, 4], [4], [4]],
    run: (x, w, weight, bias) => hg.batchNorm(hg.linear(x as Tensor, w as Tensor), { weight, bias }).out,
  },
  'linear->gelu->mean': linearThen((y) => hg.gelu(y).mean()),
  'linear->softmax': linearThen((y) => hg.softmax(y, 1)),
  'linear->mse': linearThen((y) => hg.mseLoss(y, hg.zeros([4, 4], { dtype: y.dtype }))),
  'linear->cross_entropy': linearThen((y) => hg.crossEntropy(y, labels)),

  'int matmul i32': none(() => hg.matmul(int32([[1]]), int32([[1]]))),
  'sum of int64': none(() => hg.sum(int32([1, 2]))),
  'exp of int64': none(() => hg.exp(int32([1]))),
  'pow of int32': none(() => hg.pow(int32([2]), 2)),
  'float() cast inside': one((x) => x.to('float32')),
  'to(bfloat16) inside': one((x) => x.to('bfloat16')),
  'zeros() inside': none(() => hg.zeros([2])),
  'arange-float inside': none(() => hg.arange(0, 1, 0.25)),
};

/**
 * Cells where the library differs, with the reason: `op situation`, for one policy or for both.
 *
 * Simulated devices propagate dtypes without the checks of the real kernels, which refuse what the CPU refuses.
 */
const unchecked = 'the simulated device does not check what the kernel refuses';
const promotes = 'nothing is lost by promoting, so nothing is refused';
const plainLabels = 'labels of ±1 do not widen the result';
const no16Bit = 'the CPU kernels of PyTorch lack 16 bit here; ours do not';
const isOneOp = 'one op here, where PyTorch’s CPU sees only the products inside';
const likeAccelerators = 'cells end in the dtype of their products whatever the policy, as on accelerators';
const mixed = ['mixed_f32_low', 'mixed_low_f32'];
const cells = (reason: string, op: string, ...situations: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(situations.map((situation) => [`${op} ${situation}`, reason]));

const deviations: Readonly<Record<'accelerator' | 'cpu', Readonly<Record<string, string>>>> = {
  accelerator: {
    ...cells('einsum wants one dtype, as all products do', 'einsum elementwise i,i->i', 'f64_f32'),
    ...cells(plainLabels, 'margin_ranking_loss', 'no_autocast_low'),
    ...cells(plainLabels, 'soft_margin_loss', 'no_autocast_low'),
    ...cells(promotes, 'bce_with_logits', 'f64_f32'),
    ...cells(unchecked, 'linear->batch_norm', 'other16'),
    ...cells(unchecked, 'batch_norm(train)', 'mixed_f32_low'),
    ...cells(unchecked, 'batch_norm(eval)', 'mixed_f32_low'),
    ...cells(unchecked, 'index_add', ...mixed),
    ...cells(unchecked, 'index_copy', ...mixed),
    ...cells(promotes, 'scatter_add', 'f64_f32'),
  },
  cpu: {
    ...cells(promotes, 'scatter_add', 'f64_f32', ...mixed),
    ...cells('writing elements wants one dtype, whatever the policy', 'index_copy', 'other16', ...mixed),
    ...cells('nothing is computed, so nothing is widened', 'pad(reflect 2d)', 'low', 'mixed_low_f32', 'other16'),
    ...cells(isOneOp, 'mv', 'f32', 'other16', ...mixed),
    ...cells(isOneOp, 'tensordot', ...mixed),
    ...cells(likeAccelerators, 'lstm_cell', 'f32', 'mixed_low_f32', 'other16'),
    ...cells(likeAccelerators, 'gru_cell', 'f32', 'mixed_low_f32', 'other16'),
    ...cells(isOneOp, 'einsum elementwise i,i->i', 'f32', 'other16', 'f64_f32', ...mixed),
    ...cells(plainLabels, 'margin_ranking_loss', 'no_autocast_low'),
    ...cells(promotes, 'bce_with_logits', 'f64_f32'),
    ...cells(promotes, 'bce', 'f64_f32'),
    ...cells(promotes, 'cdist', 'f64_f32'),
    ...cells(promotes, 'cross_entropy(index,weight)', 'f64_f32'),
    ...cells(promotes, 'cross', 'f64_f32', ...mixed),
    ...cells(no16Bit, 'max_pool3d', 'low', 'mixed_low_f32', 'other16'),
    ...cells(no16Bit, 'avg_pool3d', 'low', 'mixed_low_f32', 'other16'),
  },
};

/** The dtypes of the arguments in each situation: the first one, and the others. */
function dtypesOf(situation: string, low: HalfDType): readonly [first: DType, others: DType] {
  const other: HalfDType = low === 'float16' ? 'bfloat16' : 'float16';
  const table: Readonly<Record<string, readonly [DType, DType]>> = {
    f32: ['float32', 'float32'],
    low: [low, low],
    mixed_f32_low: ['float32', low],
    mixed_low_f32: [low, 'float32'],
    f64: ['float64', 'float64'],
    f64_f32: ['float64', 'float32'],
    other16: [other, other],
    no_autocast_low: [low, low],
  };
  return table[situation] as readonly [DType, DType];
}

/** The dtype of the result, or `error` for a refusal that says why. */
function resultOf({ shapes, run }: Case, situation: string, policy: PolicyTable, dtype: HalfDType): string {
  const [first, others] = dtypesOf(situation, dtype);
  const inputs = shapes.map((shape, i) => full(shape, 0.5, { dtype: i === 0 ? first : others }));
  try {
    return autocast({ dtype, policy, enabled: situation !== 'no_autocast_low' }, () => run(...inputs).dtype);
  } catch (error) {
    if (error instanceof TensorError) return 'error';
    throw error;
  }
}

/** What the library should give for a cell of the tables; undefined where they do not know. It has no int64. */
function expectedOf(cell: string): string | undefined {
  // A kernel that PyTorch lacks, or the limits of the harness, say nothing about autocast.
  if (cell === 'not_measured' || cell.startsWith('error:NotImplementedError')) return undefined;
  if (cell.startsWith('error')) return 'error';
  return cell === 'int64' ? 'int32' : cell;
}

const policies = { accelerator: acceleratorPolicy, cpu: cpuPolicy };
const tables: readonly [file: string, policy: keyof typeof policies, dtype: HalfDType][] = [
  ['golden/autocast_cuda_fp16.json', 'accelerator', 'float16'],
  ['golden/autocast_cuda_bf16.json', 'accelerator', 'bfloat16'],
  ['golden/autocast_cpu_bf16.json', 'cpu', 'bfloat16'],
  ['golden/autocast_cpu_fp16.json', 'cpu', 'float16'],
];

for (const [file, policy, dtype] of tables) {
  describeShared(`gives the dtypes of ${file} (T-X-09, T-OP-01 to T-OP-10)`, [file], () => {
    const { ops } = readJson<Table>(file);
    const covered = Object.keys(ops).filter((name) => Object.hasOwn(cases, name));
    const missing = Object.keys(ops).filter((name) => !Object.hasOwn(cases, name));
    console.log(`${file}: ${covered.length} of ${Object.keys(ops).length} ops; without: ${missing.join(', ')}`);

    test.each(covered)('%s', (name) => {
      const mismatches = Object.entries(ops[name] as Readonly<Record<string, string>>).flatMap(([situation, cell]) => {
        const expected = situation === 'kernels' ? undefined : expectedOf(cell);
        if (expected === undefined || `${name} ${situation}` in deviations[policy]) return [];
        const result = resultOf(cases[name] as Case, situation, policies[policy], dtype);
        return result === expected ? [] : [`${situation}: ${result}, should be ${expected}`];
      });
      expect(mismatches).toEqual([]);
    });
  });
}
