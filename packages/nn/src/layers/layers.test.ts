import { cpu } from '@halfgrad/backend-cpu';
import {
  celu,
  conv1d,
  conv2d,
  elu,
  Generator,
  hardswish,
  interpolate,
  mish,
  ones,
  randn,
  selu,
  setDefaultDevice,
  silu,
  softplus,
  type Tensor,
  tensor,
} from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  CELU,
  Conv1d,
  Conv2d,
  type ConvLayerOptions,
  ConvTranspose1d,
  ConvTranspose3d,
  Dropout,
  ELU,
  Embedding,
  EmbeddingBag,
  Flatten,
  GELU,
  GLU,
  GroupNorm,
  Hardshrink,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  Identity,
  InstanceNorm1d,
  LayerNorm,
  LeakyReLU,
  Linear,
  LocalResponseNorm,
  LogSigmoid,
  LogSoftmax,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  Mish,
  type Module,
  PixelShuffle,
  PixelUnshuffle,
  PReLU,
  ReLU,
  ReLU6,
  RMSNorm,
  SELU,
  Sequential,
  Sigmoid,
  SiLU,
  Softmax,
  Softmin,
  Softplus,
  Softshrink,
  Softsign,
  Tanh,
  Tanhshrink,
  Threshold,
  Upsample,
} from '../index.ts';

setDefaultDevice(cpu);

const x = randn([2, 4, 6, 6], { generator: new Generator(1) });
const rows = x.flatten(0, 1);
const volume = x.unsqueeze(0);

describe('layers compute what their functions do', () => {
  test.each<[string, Module, Tensor, Tensor?]>([
    ['ReLU', new ReLU(), x.relu()],
    ['GELU', new GELU(), x.gelu()],
    ['GELU by tanh', new GELU({ approximate: 'tanh' }), x.gelu({ approximate: 'tanh' })],
    ['Tanh', new Tanh(), x.tanh()],
    ['Sigmoid', new Sigmoid(), x.sigmoid()],
    ['ReLU6', new ReLU6(), x.clamp({ min: 0, max: 6 })],
    ['SiLU', new SiLU(), silu(x)],
    ['Mish', new Mish(), mish(x)],
    ['SELU', new SELU(), selu(x)],
    ['LogSigmoid', new LogSigmoid(), x.sigmoid().log()],
    ['Tanhshrink', new Tanhshrink(), x.sub(x.tanh())],
    ['Softsign', new Softsign(), x.div(x.abs().add(1))],
    ['Hardsigmoid', new Hardsigmoid(), x.div(6).add(0.5).clamp({ min: 0, max: 1 })],
    ['Hardswish', new Hardswish(), hardswish(x)],
    ['ELU', new ELU({ alpha: 0.5 }), elu(x, { alpha: 0.5 })],
    ['CELU', new CELU({ alpha: 0.5 }), celu(x, { alpha: 0.5 })],
    ['LeakyReLU', new LeakyReLU({ negativeSlope: 0.2 }), x.maximum(x.mul(0.2))],
    ['PReLU', new PReLU(4, { init: 0.1 }), x.maximum(x.mul(0.1))],
    ['Softplus', new Softplus({ beta: 2 }), softplus(x, { beta: 2 })],
    ['Hardtanh', new Hardtanh({ min: -0.5 }), x.clamp({ min: -0.5, max: 1 })],
    ['Softshrink', new Softshrink({ lambda: 0.25 }), x.sub(x.clamp({ min: -0.25, max: 0.25 }))],
    ['Hardshrink', new Hardshrink({ lambda: 0.25 }), x.mul(x.abs().greater(0.25))],
    ['Threshold', new Threshold(0.1, 7), x.maskedFill(x.lessEqual(0.1), 7)],
    ['GLU', new GLU(1), x.narrow(1, 0, 2).mul(x.narrow(1, 2, 2).sigmoid())],
    ['Softmax', new Softmax(1), x.softmax(1)],
    ['Softmin', new Softmin(1), x.neg().softmax(1)],
    ['LogSoftmax', new LogSoftmax(1), x.logSoftmax(1)],
    ['Identity', new Identity(), x],
    ['Flatten', new Flatten(), x.reshape([2, 144])],
    ['Flatten of some dimensions', new Flatten(0, 1), x.reshape([8, 6, 6])],
    ['AdaptiveAvgPool2d', new AdaptiveAvgPool2d(1), x.mean([2, 3], { keepDim: true })],
    ['AvgPool2d', new AvgPool2d(6), x.mean([2, 3], { keepDim: true })],
    ['AvgPool1d', new AvgPool1d(6), rows.mean(2, { keepDim: true }), rows],
    ['AvgPool3d', new AvgPool3d([4, 6, 6]), volume.mean([2, 3, 4], { keepDim: true }), volume],
    ['MaxPool1d', new MaxPool1d(6), rows.amax(2, { keepDim: true }), rows],
    ['MaxPool3d', new MaxPool3d([4, 6, 6]), volume.amax([2, 3, 4], { keepDim: true }), volume],
    ['AdaptiveAvgPool1d', new AdaptiveAvgPool1d(1), rows.mean(2, { keepDim: true }), rows],
    ['AdaptiveAvgPool3d', new AdaptiveAvgPool3d(1), volume.mean([2, 3, 4], { keepDim: true }), volume],
    ['AdaptiveMaxPool1d', new AdaptiveMaxPool1d(1), rows.amax(2, { keepDim: true }), rows],
    ['AdaptiveMaxPool3d', new AdaptiveMaxPool3d(1), volume.amax([2, 3, 4], { keepDim: true }), volume],
    ['LocalResponseNorm', new LocalResponseNorm(1, { alpha: 2, beta: 1 }), x.div(x.mul(x).mul(2).add(1))],
    ['Upsample', new Upsample({ scaleFactor: 2 }), interpolate(x, { scaleFactor: 2 })],
    ['PixelShuffle and back', new Sequential(new PixelShuffle(2), new PixelUnshuffle(2)), x],
    ['AdaptiveMaxPool2d', new AdaptiveMaxPool2d(1), x.amax([2, 3], { keepDim: true })],
    ['MaxPool2d', new MaxPool2d([6, 6], { stride: 1 }), x.amax([2, 3], { keepDim: true })],
    ['Sequential', new Sequential(new ReLU(), new Flatten()), x.relu().flatten(1)],
    ['an empty Sequential', new Sequential(), x],
  ])('%s', (_, layer, expected, input = x) => {
    const out = layer.forward(input);
    expect(out.shape).toEqual(expected.shape);
    // A mean over a pooling window may add up in another order: 36 additions of float32.
    expectClose(out, expected, 36 * 2 ** -24);
  });

  test.each<[string, ConvLayerOptions, readonly number[]]>([
    ['plain', {}, [2, 8, 4, 4]],
    ['strided and padded', { stride: 2, padding: 1 }, [2, 8, 3, 3]],
    ['dilated, of the same size', { dilation: 2, padding: 'same' }, [2, 8, 6, 6]],
    ['grouped, without bias', { groups: 4, bias: false }, [2, 8, 4, 4]],
  ])('Conv2d, %s', (_, options, shape) => {
    const layer = new Conv2d(4, 8, 3, options);
    const out = layer.forward(x);
    expect(out.shape).toEqual(shape);
    expect(out.toArray()).toEqual(conv2d(x, layer.weight, layer.bias, options).toArray());
  });

  test('Conv1d', () => {
    const layer = new Conv1d(6, 3, 2, { stride: 2 });
    const sequence = x.select(1, 0);
    expect(layer.forward(sequence).toArray()).toEqual(
      conv1d(sequence, layer.weight, layer.bias, { stride: 2 }).toArray(),
    );
  });

  test('Linear', () => {
    const layer = new Linear(2, 1);
    layer.loadStateDict({ weight: tensor([[2, 3]]), bias: tensor([1]) });
    expect(layer.forward(tensor([[10, 100]])).toArray()).toEqual([[321]]);
  });

  test('LayerNorm', () => {
    const layer = new LayerNorm([2, 2], { eps: 0 });
    layer.loadStateDict({ weight: ones([2, 2]).mul(2), bias: ones([2, 2]) });
    expect(
      layer
        .forward(
          tensor([
            [1, 1],
            [3, 3],
          ]),
        )
        .toArray(),
    ).toEqual([
      [-1, -1],
      [3, 3],
    ]);
  });

  test('Embedding', () => {
    const layer = new Embedding(3, 2);
    layer.loadStateDict({
      weight: tensor([
        [0, 1],
        [2, 3],
        [4, 5],
      ]),
    });
    expect(layer.forward(tensor([[2, 0]], { dtype: 'int32' })).toArray()).toEqual([
      [
        [4, 5],
        [0, 1],
      ],
    ]);
  });
});

describe('Embedding', () => {
  test.each([1, -2])('keeps the row of paddingIdx %d zero and does not learn it', (paddingIdx) => {
    const layer = new Embedding(3, 2, { paddingIdx });
    expect(layer.weight.select(0, 1).toArray()).toEqual([0, 0]);
    layer
      .forward(tensor([0, 1, 1], { dtype: 'int32' }))
      .sum()
      .backward();
    expect(layer.weight.grad?.toArray()).toEqual([
      [1, 1],
      [0, 0],
      [0, 0],
    ]);
  });

  test.each(['mean', 'sum', 'max'] as const)('of bags gives the %s of their rows', (mode) => {
    const layer = new EmbeddingBag(5, 2, { mode });
    const bags = tensor([[0, 4, 4]], { dtype: 'int32' });
    const picked = layer.weight.indexSelect(0, bags);
    const expected = mode === 'max' ? picked.amax(1) : mode === 'sum' ? picked.sum(1) : picked.mean(1);
    expect(layer.forward(bags).toArray()).toEqual(expected.toArray());
  });
});

describe('Dropout', () => {
  test('zeroes while training, repeatably with a generator, and never in evaluation', () => {
    const dropped = (): unknown => new Dropout(0.5, { generator: new Generator(3) }).forward(ones([100])).toArray();
    expect(new Set(dropped() as number[])).toEqual(new Set([0, 2]));
    expect(dropped()).toEqual(dropped());
    expect(new Dropout().eval().forward(x)).toBe(x);
  });
});

describe('Sequential', () => {
  test('is indexed and iterated in order', () => {
    const layers = [new ReLU(), new Tanh()];
    const model = new Sequential(...layers);
    expect([model[0], model[1], model.length]).toEqual([...layers, 2]);
    expect([...model]).toEqual(layers);
  });
});

describe('bad arguments', () => {
  test.each<[() => Module, string]>([
    [() => new Linear(0, 1), 'Linear: inFeatures is 0. Use a positive integer.'],
    [() => new Linear(1, 1.5), 'Linear: outFeatures is 1.5'],
    [() => new Conv2d(3, 4, 3, { groups: 2 }), 'Conv2d: 2 groups do not divide 3 input and 4 output channels'],
    [() => new Conv2d(3, 4, [3]), 'Conv2d: kernelSize [3] is not 2 positive integers'],
    [() => new Conv1d(3, 4, 0), 'Conv1d: kernelSize [0] is not 1 positive integers'],
    [() => new Dropout(1.5), 'Dropout: p is 1.5. Use a number from 0 to 1.'],
    [() => new LayerNorm([2, -1]), 'LayerNorm: normalizedShape is -1'],
    [() => new Embedding(3, 0), 'Embedding: embeddingDim is 0'],
    [() => new ConvTranspose3d(4, 3, 2, { groups: 2 }), 'ConvTranspose3d: 2 groups do not divide 4 input and 3 output'],
    [() => new ConvTranspose1d(4, 3, [2, 2]), 'ConvTranspose1d: kernelSize [2,2] is not 1 positive integers'],
    [() => new GroupNorm(3, 4), 'GroupNorm: 3 groups do not divide 4 channels.'],
    [() => new Embedding(3, 2, { paddingIdx: 3 }), 'Embedding: paddingIdx 3 is none of 3 rows.'],
    [() => new LocalResponseNorm(0), 'LocalResponseNorm: size is 0'],
    [() => new RMSNorm(0), 'RMSNorm: normalizedShape is 0'],
    [() => new PReLU(0), 'PReLU: numParameters is 0'],
    [() => new InstanceNorm1d(0), 'InstanceNorm1d: numFeatures is 0'],
  ])('are rejected: %s', (create, message) => {
    expect(create).toThrow(message);
  });

  test('are rejected by layers that know their shape', () => {
    expect(() => new InstanceNorm1d(3).forward(ones([2, 4, 5]))).toThrow(
      'InstanceNorm1d: x needs 3 dimensions and 3 channels (x: float32[2,4,5])',
    );
  });
});

function expectClose(actual: Tensor, expected: Tensor, tolerance: number): void {
  const reference = expected.dataSync();
  Array.from(actual.dataSync()).forEach((value, i) => {
    expect(Math.abs(value - (reference[i] as number))).toBeLessThanOrEqual(tolerance);
  });
}
