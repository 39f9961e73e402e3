import {
  abs,
  add,
  addcmul,
  amax,
  avgPool2d,
  batchNorm,
  conv2d,
  cos,
  crossEntropy,
  cumsum,
  type Device,
  type DType,
  decodeValues,
  div,
  erf,
  exp,
  expm1,
  full,
  gelu,
  groupNorm,
  type HalfDType,
  layerNorm,
  leakyRelu,
  lerp,
  linear,
  log,
  log1p,
  logSoftmax,
  logsumexp,
  matmul,
  mean,
  mseLoss,
  mul,
  neg,
  norm,
  pow,
  prod,
  reciprocal,
  relu,
  rsqrt,
  select,
  sigmoid,
  silu,
  sin,
  softmax,
  softplus,
  sqrt,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  type Values,
  variance,
} from '@halfgrad/core';
import { decodeNumber, type GoldenNumber, readJson } from '@halfgrad/testing';
import { type Claim, claim, exactly, withinUlps } from '../compare.ts';
import { type Case, Missing, type Suite } from '../suite.ts';

/** A tensor as 16-bit patterns in hexadecimal. */
interface Bits {
  readonly shape: readonly number[];
  readonly bits: readonly string[];
}

interface GoldenOp {
  readonly inputs: readonly Bits[];
  readonly out_dtype: string;
  readonly out_shape: readonly number[];
  readonly correctly_rounded: readonly string[];
}

interface GoldenScenario {
  readonly dtype: DType;
  readonly value: GoldenNumber;
}

interface GoldenHalfOps {
  readonly types: Record<
    HalfDType,
    {
      readonly ops: Readonly<Record<string, GoldenOp>>;
      readonly reductions: Readonly<Record<string, GoldenScenario>>;
    }
  >;
}

type Compute = (...inputs: Tensor[]) => Tensor;

const computations: Readonly<Record<string, Compute>> = {
  add,
  sub,
  mul,
  div,
  mul_overflow: mul,
  'add_python_scalar_0.1': (x) => add(x, 0.1),
  'mul_python_scalar_1/3': (x) => mul(x, 1 / 3),
  div_python_scalar_3: (x) => div(x, 3),
  rsub_1: (x) => sub(1, x),
  neg,
  abs,
  'square x*x': (x) => mul(x, x),
  exp,
  log,
  sqrt,
  rsqrt,
  reciprocal,
  sin,
  cos,
  tanh,
  sigmoid,
  erf,
  expm1,
  log1p,
  leaky_relu: (x) => leakyRelu(x),
  relu,
  gelu: (x) => gelu(x),
  gelu_tanh: (x) => gelu(x, { approximate: 'tanh' }),
  softplus: (x) => softplus(x),
  'pow_2.5': (x) => pow(x, 2.5),
  'addcmul_0.5': (x, a, b) => addcmul(x, a, b, { value: 0.5 }),
  'lerp_0.3': (a, b) => lerp(a, b, 0.3),
  mm_4x16x5: (a, b) => matmul(a, b),
  linear_bias: (x, weight, bias) => linear(x, weight, bias),
  'mm_K=512': (a, b) => matmul(a, b),
  conv2d: (x, weight) => conv2d(x, weight, undefined, { padding: 1 }),
  sum_64: (x) => sum(x),
  sum_rows: (x) => sum(x, 1),
  mean_rows: (x) => mean(x, 1),
  var_rows: (x) => variance(x, 1),
  softmax: (x) => softmax(x, 1),
  cumsum: (x) => cumsum(x, 1),
  prod_rows: (x) => prod(x, 1),
  log_softmax: (x) => logSoftmax(x, 1),
  layer_norm: (x, weight, bias) => layerNorm(x, [16], { weight, bias }),
  batch_norm_train: (x) => batchNorm(x).out,
  mse_loss: (a, b) => mseLoss(a, b),
  // The file lacks the targets; of all 16⁴ these alone give the answers of both dtypes.
  cross_entropy: (x) => crossEntropy(x, tensor([0, 3, 5, 9], { dtype: 'int32', device: x.device })),
  max_rows: (x) => amax(x, 1),
  avg_pool2d: (x) => avgPool2d(x, 2),
  silu,
  group_norm: (x) => groupNorm(x, 2),
  logsumexp: (x) => logsumexp(x, 1),
  norm_rows: (x) => norm(x, 2, 1),
  matmul_attention: (q, k) => softmax(matmul(mul(q, 1 / Math.sqrt(8)), k, { transposeB: true }), 2),
};

/** Single numbers: where 16 bits overflow, underflow or stagnate, and where float32 inside an op prevents it. */
const scenarios: Readonly<Record<string, (of: (...values: number[]) => Tensor) => Tensor>> = {
  'sum of 10000 ones': (of) => sum(of(...repeat(10000, 1))),
  'mean of 10000 ones': (of) => mean(of(...repeat(10000, 1))),
  'sum of 10000 x 0.1': (of) => sum(of(...repeat(10000, 0.1))),
  'cumsum of 10000 ones, last': (of) => select(cumsum(of(...repeat(10000, 1)), 0), 0, -1),
  'prod of 20 twos': (of) => prod(of(...repeat(20, 2))),
  'sum of 4 x 30000': (of) => sum(of(...repeat(4, 30000))),
  'mean of 4 x 30000': (of) => mean(of(...repeat(4, 30000))),
  'mean of 4 x 60000': (of) => mean(of(...repeat(4, 60000))),
  'sum of 4 x 30000 dtype=float32': (of) => sum(of(...repeat(4, 30000)), undefined, { dtype: 'float32' }),
  'var of alternating +-300': (of) => variance(of(...repeat(16, 300).map(alternate))),
  'var of alternating +-30000': (of) => variance(of(...repeat(16, 30000).map(alternate))),
  'mse_loss of 300 vs 0 (n=4)': (of) => mseLoss(of(...repeat(4, 300)), of(0, 0, 0, 0)),
  '1x4096 @ 4096x1 ones': (of) => matmul(of(...repeat(4096, 1)), of(...repeat(4096, 1))),
  '1x4096 @ 4096x1 of 16s': (of) => matmul(of(...repeat(4096, 16)), of(...repeat(4096, 16))),
  'dot 4096 ones': (of) => matmul(of(...repeat(4096, 1)), of(...repeat(4096, 1))),
  'exp(12)': (of) => exp(of(12)),
  'softmax of [60000,60000]': (of) => select(softmax(of(60000, 60000), 0), 0, 0),
  'logsumexp of [60000,60000]': (of) => logsumexp(of(60000, 60000)),
  'layer_norm first elem of [60000,-60000,..]': (of) =>
    select(layerNorm(of(...repeat(8, 60000).map(alternate)), [8]), 0, 0),
  '1/4096 squared': (of) => mul(of(1 / 4096), of(1 / 4096)),
  '1e-4*1e-4': (of) => mul(of(1e-4), of(1e-4)),
  '2048+1': (of) => add(of(2048), 1),
  '256+1': (of) => add(of(256), 1),
  '1+1e-3': (of) => add(of(1), 1e-3),
  'x.add_(1e-3) 1000 times from 1': (of) => repeat(1000, 1e-3).reduce<Tensor>(add, of(1)),
  'float16*float32 0-dim 1e5': (of) => mul(of(2), full([], 1e5, { device: of(0).device })),
  'item 0.1': (of) => of(0.1),
  'norm of 4 x 300': (of) => norm(of(...repeat(4, 300))),
  'norm of 2 x 60000': (of) => norm(of(...repeat(2, 60000))),
  '65504+16': (of) => add(of(65504), 16),
  '65504+15': (of) => add(of(65504), 15),
};

const repeat = (count: number, value: number): number[] => new Array<number>(count).fill(value);
const alternate = (value: number, i: number): number => (i % 2 === 0 ? value : -value);

const file = 'golden/half_ops.json';
const dtypes: readonly HalfDType[] = ['float16', 'bfloat16'];

export const halfOps: Suite = {
  name: 'half_ops',
  source: 'PyTorch 2.13 in float16 and bfloat16, and the correctly rounded answers',
  tolerance: '1 unit in the last place of the correctly rounded answer; overflow and stagnation exact',
  files: [file],
  cases() {
    const { types } = readJson<GoldenHalfOps>(file);
    return dtypes.flatMap((dtype): Case[] => [
      ...Object.entries(types[dtype].ops).map(([name, recorded]) => ({
        name: `${dtype} ${name}`,
        run: (device: Device) => checkOp(name, recorded, dtype, device),
      })),
      ...Object.entries(types[dtype].reductions).map(([name, recorded]) => ({
        name: `${dtype} ${name}`,
        run: (device: Device) => checkScenario(name, recorded, dtype, device),
      })),
    ]);
  },
};

function checkOp(
  name: string,
  { inputs, out_shape, correctly_rounded }: GoldenOp,
  dtype: HalfDType,
  device: Device,
): Claim[] {
  const compute = computations[name];
  if (!compute) throw new Missing(`half_ops ${name}`);
  const valuesOf = (bits: readonly string[]): Values =>
    decodeValues(
      Uint16Array.from(bits, (hex) => Number.parseInt(hex, 16)),
      dtype,
    );
  const out = compute(...inputs.map(({ shape, bits }) => tensor(valuesOf(bits), { shape, dtype, device })));
  const expected = { dtype, shape: out_shape, values: valuesOf(correctly_rounded) };
  return [claim('output', out, expected, withinUlps(1, dtype))];
}

function checkScenario(name: string, recorded: GoldenScenario, dtype: HalfDType, device: Device): Claim[] {
  const compute = scenarios[name];
  if (!compute) throw new Missing(`half_ops ${name}`);
  const result = compute((...values) => tensor(values, { dtype, device }));
  const values = [decodeNumber(recorded.value)];
  return [claim('result', result.reshape([]), { dtype: recorded.dtype, shape: [], values }, exactly)];
}
