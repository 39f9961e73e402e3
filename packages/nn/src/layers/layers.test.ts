import { cpu } from '@halfgrad/backend-cpu';
import { conv1d, conv2d, Generator, ones, randn, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  Conv1d,
  Conv2d,
  type ConvLayerOptions,
  Dropout,
  Embedding,
  Flatten,
  GELU,
  Identity,
  LayerNorm,
  Linear,
  MaxPool2d,
  type Module,
  ReLU,
  Sequential,
  Sigmoid,
  Tanh,
} from '../index.ts';

setDefaultDevice(cpu);

const x = randn([2, 4, 6, 6], { generator: new Generator(1) });

describe('layers compute what their functions do', () => {
  test.each<[string, Module, Tensor]>([
    ['ReLU', new ReLU(), x.relu()],
    ['GELU', new GELU(), x.gelu()],
    ['GELU by tanh', new GELU({ approximate: 'tanh' }), x.gelu({ approximate: 'tanh' })],
    ['Tanh', new Tanh(), x.tanh()],
    ['Sigmoid', new Sigmoid(), x.sigmoid()],
    ['Identity', new Identity(), x],
    ['Flatten', new Flatten(), x.reshape([2, 144])],
    ['Flatten of some dimensions', new Flatten(0, 1), x.reshape([8, 6, 6])],
    ['AdaptiveAvgPool2d', new AdaptiveAvgPool2d(1), x.mean([2, 3], { keepDim: true })],
    ['AvgPool2d', new AvgPool2d(6), x.mean([2, 3], { keepDim: true })],
    ['MaxPool2d', new MaxPool2d([6, 6], { stride: 1 }), x.amax([2, 3], { keepDim: true })],
    ['Sequential', new Sequential(new ReLU(), new Flatten()), x.relu().flatten(1)],
    ['an empty Sequential', new Sequential(), x],
  ])('%s', (_, layer, expected) => {
    const out = layer.forward(x);
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
  ])('are rejected: %s', (create, message) => {
    expect(create).toThrow(message);
  });
});

function expectClose(actual: Tensor, expected: Tensor, tolerance: number): void {
  const reference = expected.dataSync();
  Array.from(actual.dataSync()).forEach((value, i) => {
    expect(Math.abs(value - (reference[i] as number))).toBeLessThanOrEqual(tolerance);
  });
}
