import { cpu } from '@halfgrad/backend-cpu';
import { crossEntropy, Generator, manualSeed, randn, setDefaultDevice, tensor } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { type Module, mlp, ResNet, SmallCnn } from '../index.ts';

setDefaultDevice(cpu);

describe('ResNet', () => {
  test("names its state as torchvision's residual networks do", () => {
    const norm = (name: string): string[] =>
      ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'].map((key) => `${name}.${key}`);
    const block = (name: string): string[] => [
      `${name}.conv1.weight`,
      ...norm(`${name}.bn1`),
      `${name}.conv2.weight`,
      ...norm(`${name}.bn2`),
    ];
    const widening = (name: string): string[] => [
      ...block(name),
      `${name}.downsample.0.weight`,
      ...norm(`${name}.downsample.1`),
    ];
    expect(Object.keys(new ResNet({ depth: 8 }).stateDict())).toEqual([
      'conv1.weight',
      ...norm('bn1'),
      ...block('layer1.0'),
      ...widening('layer2.0'),
      ...widening('layer3.0'),
      'fc.weight',
      'fc.bias',
    ]);
  });

  test('has the 272,474 parameters of ResNet-20 with projection shortcuts', () => {
    expect(countParameters(new ResNet())).toBe(272_474);
  });

  test('halves the resolution twice and classifies', () => {
    const model = new ResNet({ depth: 8, width: 4, inChannels: 1, classes: 3 });
    expect(model.forward(randn([2, 1, 8, 8])).shape).toEqual([2, 3]);
  });

  test('starts convolutions with the variance 2 / fanOut', () => {
    manualSeed(0);
    const values = Array.from(new ResNet({ depth: 8, width: 32 }).layer1.parameters()[0]?.dataSync() ?? []);
    const variance = values.reduce((total, value) => total + value ** 2, 0) / values.length;
    const expected = 2 / (32 * 9);
    // Five standard errors of a normal variance.
    expect(Math.abs(variance - expected)).toBeLessThan(5 * expected * Math.sqrt(2 / values.length));
  });

  test('comes in depths of 6n + 2', () => {
    expect(() => new ResNet({ depth: 18 })).toThrow('ResNet: depth is 18. Use 6n + 2, such as 8 or 20.');
  });
});

describe('models', () => {
  test.each<[string, () => Module, readonly number[], number]>([
    ['mlp', () => mlp([48, 16, 3]), [4, 3, 4, 4], 48 * 16 + 16 + 16 * 3 + 3],
    ['SmallCnn', () => new SmallCnn({ imageSize: 8, width: 4, classes: 3 }), [4, 3, 8, 8], 108 + 8 + 288 + 16 + 99],
    ['ResNet', () => new ResNet({ depth: 8, width: 4, classes: 3 }), [4, 3, 8, 8], 116 + 304 + 944 + 3680 + 51],
  ])('%s passes a gradient to every parameter', (_, create, shape, parameters) => {
    manualSeed(0);
    const model = create();
    expect(countParameters(model)).toBe(parameters);
    const logits = model.forward(randn(shape, { generator: new Generator(1) }));
    crossEntropy(logits, tensor([0, 1, 2, 0], { dtype: 'int32' })).backward();
    const without = model.namedParameters().filter(([, { grad }]) => !grad?.dataSync().length);
    expect(without).toEqual([]);
  });
});

function countParameters(model: Module): number {
  return model.parameters().reduce((total, { size }) => total + size, 0);
}
