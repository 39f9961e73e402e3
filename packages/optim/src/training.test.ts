import { cpu } from '@halfgrad/backend-cpu';
import { crossEntropy, manualSeed, mseLoss, randn, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, type Module, mlp, ReLU, Sequential } from '@halfgrad/nn';
import { describeShared, readJson } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { Adam, AdamW, SGD } from './index.ts';

setDefaultDevice(cpu);

interface Blob {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: number[];
}

interface GoldenTraining {
  readonly data: Readonly<Record<'X' | 'Y' | 'XI' | 'YI', Blob>>;
  readonly init: Readonly<Record<string, Readonly<Record<string, Blob>>>>;
  readonly runs: readonly {
    readonly kind: string;
    readonly mode: string;
    readonly lr: number;
    readonly momentum: number;
    readonly loss_scale_per_step: readonly (readonly [loss: number, scale: number])[];
    readonly first_step: { readonly logits: readonly number[] };
    readonly final_params: Readonly<Record<string, readonly number[]>>;
    readonly running_mean: readonly number[] | null;
    readonly running_var: readonly number[] | null;
  }[];
}

/** The golden names of the parameters, by ours. */
const models: Record<string, { create: () => Module; x: 'X' | 'XI'; y: 'Y' | 'YI'; names: Record<string, string> }> = {
  mlp: {
    create: () => new Sequential(new Linear(8, 16), new ReLU(), new Linear(16, 4)),
    x: 'X',
    y: 'Y',
    names: { '0.weight': 'w1', '0.bias': 'b1', '2.weight': 'w2', '2.bias': 'b2' },
  },
  cnn: {
    create: () =>
      new Sequential(
        new Conv2d(1, 4, 3, { padding: 1 }),
        new BatchNorm2d(4),
        new ReLU(),
        new MaxPool2d(2),
        new Flatten(),
        new Linear(64, 4),
      ),
    x: 'XI',
    y: 'YI',
    names: { '0.weight': 'cw', '0.bias': 'cb', '1.weight': 'g', '1.bias': 'be', '5.weight': 'w', '5.bias': 'b' },
  },
};

describeShared("training in float32 follows PyTorch's", ['golden/amp_training.json'], () => {
  const { data, init, runs } = readJson<GoldenTraining>('golden/amp_training.json');

  test.each(runs.filter(({ mode }) => mode === 'fp32').map((run) => [run.kind, run] as const))('%s', (kind, run) => {
    const { create, x, y, names } = models[kind] as (typeof models)[string];
    const model = create();
    const initial = Object.entries(names).map(([ours, theirs]) => [ours, fromBlob(init[kind]?.[theirs] as Blob)]);
    const { missing } = model.loadStateDict(Object.fromEntries(initial), { strict: false });
    expect(missing.filter((name) => name in names)).toEqual([]);
    const [inputs, target] = [fromBlob(data[x]), fromBlob(data[y])];
    const optimizer = new SGD(model.parameters(), { lr: run.lr, momentum: run.momentum });
    const losses = run.loss_scale_per_step.map(() => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(inputs), target);
      loss.backward();
      optimizer.step();
      return loss.item();
    });

    // Sums add up in another order than PyTorch's, and momentum carries the differences of float32 through 40 steps.
    expectClose(
      losses,
      run.loss_scale_per_step.map(([loss]) => loss),
      1e-6,
    );
    const state = model.stateDict();
    for (const [ours, theirs] of Object.entries(names)) {
      expectClose(valuesOf(state[ours]), run.final_params[theirs] as readonly number[], 1e-5);
    }
    if (run.running_mean && run.running_var) {
      expectClose(valuesOf(state['1.running_mean']), run.running_mean, 1e-5);
      expectClose(valuesOf(state['1.running_var']), run.running_var, 1e-5);
      expect(state['1.num_batches_tracked']?.item()).toBe(losses.length);
    }
  });
});

describe('a network of two layers', () => {
  const optimizers: Record<string, (model: Module) => SGD | Adam | AdamW> = {
    SGD: (model) => new SGD(model.namedParameters(), { lr: 0.1, momentum: 0.9 }),
    Adam: (model) => new Adam(model.namedParameters(), { lr: 0.01 }),
    AdamW: (model) => new AdamW(model.parameters(), { lr: 0.01 }),
  };

  test.each(Object.entries(optimizers))('learns the product of two numbers with %s', (_, create) => {
    manualSeed(1);
    const model = mlp([2, 16, 1]);
    const x = randn([64, 2]);
    const product = x.select(1, 0).mul(x.select(1, 1)).unsqueeze(1);
    const optimizer = create(model);
    const losses = Array.from({ length: 150 }, () => {
      optimizer.zeroGrad();
      const loss = mseLoss(model.forward(x), product);
      loss.backward();
      optimizer.step();
      return loss.item();
    });
    expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 10);
  });
});

function fromBlob({ shape, dtype, data }: Blob): Tensor {
  return tensor(data, { dtype: dtype === 'int64' ? 'int32' : 'float32' }).reshape(shape);
}

function valuesOf(x: Tensor | undefined): number[] {
  return Array.from((x as Tensor).dataSync());
}

/** Relative to the value, and absolute below 1. */
function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((x, i) => {
    const y = expected[i] as number;
    expect(Math.abs(x - y)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(y)));
  });
}
