import { inspect } from 'node:util';
import { cpu } from '@halfgrad/backend-cpu';
import { ones, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { BatchNorm1d, Conv2d, copyModule, Dropout, GELU, Linear, Module, ReLU, Sequential } from './index.ts';

setDefaultDevice(cpu);

describe('forward hooks', () => {
  test('see inputs and outputs of a child, wherever its forward is called', () => {
    const model = new Sequential(new ReLU(), new ReLU());
    const seen: unknown[] = [];
    model[0]?.registerForwardPreHook(([x]) => {
      seen.push(['before', x.toArray()]);
      return undefined;
    });
    model[0]?.registerForwardHook(([x], output) => {
      seen.push(['after', x.toArray(), output.toArray()]);
      return undefined;
    });
    model.forward(tensor([-1, 2]));
    expect(seen).toEqual([
      ['before', [-1, 2]],
      ['after', [-1, 2], [0, 2]],
    ]);
  });

  test('replace inputs and outputs, one after another, until they are removed', () => {
    const layer = new ReLU();
    const removals = [
      layer.registerForwardPreHook(([x]) => [x.add(1)]),
      layer.registerForwardPreHook(([x]) => [x.mul(2)]),
      layer.registerForwardHook((_, output) => output.mul(10)),
    ];
    const run = (): unknown => layer.forward(tensor([1])).item();
    expect(run()).toBe(40);
    removals[1]?.();
    expect(run()).toBe(20);
    for (const remove of removals) remove();
    expect(run()).toBe(1);
  });

  test('give access to gradients', () => {
    const layer = new Linear(1, 1, { bias: false });
    const gradients: unknown[] = [];
    layer.registerForwardHook((_, output) => {
      output.registerHook((grad) => {
        gradients.push(grad.toArray());
        return undefined;
      });
      return undefined;
    });
    layer
      .forward(ones([2, 1]))
      .mul(3)
      .sum()
      .backward();
    expect(gradients).toEqual([[[3], [3]]]);
  });

  test('are not copied, and are no part of the state', () => {
    const layer = new Linear(1, 1);
    layer.registerForwardHook((_, output) => output.mul(0).add(7));
    const copy = copyModule(layer);
    expect(layer.forward(ones([1, 1])).item()).toBe(7);
    expect(copy.forward(ones([1, 1])).item()).not.toBe(7);
    expect(Object.keys(layer.stateDict())).toEqual(['weight', 'bias']);
  });

  test('see all inputs of a module that takes several', () => {
    class Sum extends Module<[a: Tensor, b: Tensor]> {
      forward(a: Tensor, b: Tensor): Tensor {
        return a.add(b);
      }
    }
    const layer = new Sum();
    layer.registerForwardPreHook(([a, b]) => [b, a.mul(2)]);
    expect(layer.forward(tensor(1), tensor(5)).item()).toBe(7);
  });
});

describe('printing', () => {
  test('shows settings and children, line by line', () => {
    class Net extends Module {
      readonly name = 'net';
      readonly body = new Sequential(new Conv2d(3, 8, 3, { padding: 'same' }), new GELU({ approximate: 'tanh' }));
      readonly heads = [new Linear(8, 2), new Dropout(0.1)];
      forward(x: Tensor): Tensor {
        return this.body.forward(x);
      }
    }
    const text = `Net(
  name="net"
  (body): Sequential(
    (0): Conv2d(inChannels=3, outChannels=8, kernelSize=[3,3], stride=1, padding="same", dilation=1, groups=1)
    (1): GELU(approximate="tanh")
  )
  (heads.0): Linear(inFeatures=8, outFeatures=2)
  (heads.1): Dropout(p=0.1)
)`;
    expect(`${new Net()}`).toBe(text);
    expect(inspect(new Net())).toBe(text);
  });

  test('of a single layer is one line', () => {
    expect(String(new BatchNorm1d(4))).toBe('BatchNorm1d(numFeatures=4, eps=0.00001, momentum=0.1)');
    expect(String(new ReLU())).toBe('ReLU()');
  });
});
