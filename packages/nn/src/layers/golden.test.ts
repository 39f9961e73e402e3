import { cpu } from '@halfgrad/backend-cpu';
import { concat, grad, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { decodeNumber, describeShared, type GoldenTensor, readJson } from '@halfgrad/testing';
import { expect, test } from 'vitest';
import {
  type AnyModule,
  Conv1d,
  Conv2d,
  Conv3d,
  ConvTranspose1d,
  ConvTranspose2d,
  Embedding,
  EmbeddingBag,
  GRUCell,
  GroupNorm,
  InstanceNorm2d,
  LayerNorm,
  Linear,
  LocalResponseNorm,
  LSTMCell,
  type Module,
  MultiheadAttention,
  PixelShuffle,
  RMSNorm,
  RNNCell,
  Upsample,
} from '../index.ts';

setDefaultDevice(cpu);

interface Golden {
  readonly name: string;
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly output: GoldenTensor;
  readonly cotangent: GoldenTensor;
  readonly grads: Readonly<Record<string, GoldenTensor | null>>;
}

type Inputs = Readonly<Record<string, Tensor>>;
type Keys = Readonly<Record<string, string>>;

/** A module, its parameters by the names they have in the file, and how it is called. */
interface Case {
  readonly module: AnyModule;
  readonly keys: Keys;
  readonly run: (inputs: Inputs) => Tensor;
}

const float64 = { dtype: 'float64' } as const;
const affine: Keys = { weight: 'w', bias: 'b' };
const cell: Keys = { weight_ih: 'wih', weight_hh: 'whh', bias_ih: 'bih', bias_hh: 'bhh' };
const attention: Keys = Object.fromEntries(
  ['in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias'].map((key) => [key, key]),
);

function caseOf<M extends AnyModule>(module: M, keys: Keys, call: (module: M, inputs: Inputs) => Tensor): Case {
  return { module, keys, run: (inputs) => call(module, inputs) };
}

function simple(module: Module, keys = affine): Case {
  return caseOf(module, keys, (layer, { x }) => layer.forward(x as Tensor));
}

const cases: Record<string, Case> = {
  linear_bias: simple(new Linear(4, 5, float64)),
  conv1d_dilation2_groups3: simple(new Conv1d(3, 6, 3, { dilation: 2, groups: 3, ...float64 })),
  conv2d_groups2: simple(new Conv2d(4, 6, 3, { groups: 2, ...float64 })),
  conv3d_pad1: simple(new Conv3d(2, 2, 2, { padding: 1, ...float64 })),
  conv_transpose1d_stride2: simple(new ConvTranspose1d(3, 2, 3, { stride: 2, ...float64 })),
  conv_transpose2d_stride2_pad1_outpad1: simple(
    new ConvTranspose2d(3, 2, 3, { stride: 2, padding: 1, outputPadding: 1, ...float64 }),
  ),
  conv_transpose2d_groups2_dil2: simple(new ConvTranspose2d(4, 4, 2, { groups: 2, dilation: 2, ...float64 })),
  layer_norm_last: simple(new LayerNorm(4, float64)),
  layer_norm_last2_noaffine: simple(new LayerNorm([3, 4], { elementwiseAffine: false, ...float64 }), {}),
  group_norm_2: simple(new GroupNorm(2, 4, float64)),
  instance_norm: simple(new InstanceNorm2d(3, float64), {}),
  'rms_norm_eps1e-6 (formula)': simple(new RMSNorm(4, float64), { weight: 'w' }),
  local_response_norm: simple(new LocalResponseNorm(3), {}),
  pixel_shuffle_2: simple(new PixelShuffle(2), {}),
  interpolate_nearest_x2: simple(new Upsample({ scaleFactor: 2 }), {}),
  embedding_padding_idx1: caseOf(
    new Embedding(5, 3, { paddingIdx: 1, ...float64 }),
    { weight: 'w' },
    (layer, { idx }) => layer.forward(idx as Tensor),
  ),
  embedding_bag_mean: caseOf(new EmbeddingBag(5, 3, float64), { weight: 'w' }, (layer, { idx }) =>
    layer.forward(idx as Tensor),
  ),
  'multi_head_self_attention(embed8,heads2)': caseOf(
    new MultiheadAttention(8, 2, { batchFirst: true, ...float64 }),
    attention,
    (layer, { x }) => layer.forward(x as Tensor).output,
  ),
  'lstm_cell(i,f,g,o)': caseOf(new LSTMCell(3, 4, float64), cell, (lstm, { x, h, c }) => {
    const next = lstm.forward(x as Tensor, { hidden: h as Tensor, cell: c as Tensor });
    return concat([next.hidden, next.cell], 1);
  }),
  'gru_cell(r,z,n)': caseOf(new GRUCell(3, 4, float64), cell, (gru, { x, h }) => gru.forward(x as Tensor, h)),
  rnn_tanh_cell: caseOf(new RNNCell(3, 4, float64), cell, (rnn, { x, h }) => rnn.forward(x as Tensor, h)),
  rnn_relu_cell: caseOf(new RNNCell(3, 4, { nonlinearity: 'relu', ...float64 }), cell, (rnn, { x, h }) =>
    rnn.forward(x as Tensor, h),
  ),
};

describeShared("layers compute PyTorch's values and gradients in float64", ['golden/fp64_ops.json'], () => {
  const golden = readJson<{ cases: readonly Golden[] }>('golden/fp64_ops.json').cases;

  test.each(Object.entries(cases))('%s', (name, { module, keys, run }) => {
    const recorded = golden.find((each) => each.name === name) as Golden;
    const inputs = Object.fromEntries(Object.entries(recorded.inputs).map(([key, value]) => [key, decode(value)]));
    module.loadStateDict(
      Object.fromEntries(Object.entries(keys).map(([ours, theirs]) => [ours, inputs[theirs] as Tensor])),
    );
    const out = run(inputs);
    expectClose(out, recorded.output);
    const parameters = new Map(module.namedParameters().map(([key, parameter]) => [keys[key], parameter]));
    const wanted = Object.entries(recorded.grads).filter(([, value]) => value !== null);
    const variables = wanted.map(([key]) => parameters.get(key) ?? (inputs[key] as Tensor));
    const gradients = grad(out, variables, { gradOutputs: [decode(recorded.cotangent).detach()] });
    wanted.forEach(([, value], i) => {
      expectClose(gradients[i] as Tensor, value as GoldenTensor);
    });
  });
});

/** Indices need no gradient. */
function decode({ shape, dtype, data }: GoldenTensor): Tensor {
  const isFloat = dtype === 'float64';
  return tensor(Float64Array.from(data, decodeNumber), {
    shape,
    dtype: isFloat ? 'float64' : 'int32',
    requiresGrad: isFloat,
  });
}

/** The agreement of the two PyTorch versions behind the file, and more, relative to 1 or the value. */
function expectClose(actual: Tensor, { shape, data }: GoldenTensor): void {
  expect(actual.shape).toEqual(shape);
  const values = actual.dataSync();
  data.forEach((golden, i) => {
    const expected = decodeNumber(golden);
    expect(Math.abs((values[i] as number) - expected)).toBeLessThanOrEqual(1e-10 * Math.max(1, Math.abs(expected)));
  });
}
