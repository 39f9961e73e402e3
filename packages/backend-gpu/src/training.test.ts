import { autocast, GradScaler, type StepResult } from '@halfgrad/amp';
import { cpu } from '@halfgrad/backend-cpu';
import {
  crossEntropy,
  type Device,
  Generator,
  type HalfDType,
  randn,
  scope,
  type Tensor,
  tensor,
} from '@halfgrad/core';
import { mlp } from '@halfgrad/nn';
import { Adam, SGD } from '@halfgrad/optim';
import { describeDevice } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { openGpu } from './index.ts';

interface Settings {
  readonly device: Device;
  readonly optimizer: 'sgd' | 'adam';
  readonly dtype?: HalfDType;
  readonly initScale?: number;
}

interface Training {
  /** One step, whose loss survives it. */
  step(): Tensor;
  /** One step, and whether it was taken. */
  scaledStep(): StepResult;
}

/** A small classifier and its training step, written as a user would. */
function createTraining({ device, optimizer: kind, dtype, initScale = 2 ** 16 }: Settings): Training {
  const generator = new Generator(7);
  const model = mlp([12, 16, 5], { device, generator });
  const x = randn([24, 12], { device, generator });
  const y = tensor(
    Array.from({ length: 24 }, (_, i) => i % 5),
    { device, dtype: 'int32' },
  );
  const parameters = model.namedParameters();
  const optimizer =
    kind === 'sgd' ? new SGD(parameters, { lr: 0.05, momentum: 0.9 }) : new Adam(parameters, { lr: 0.01 });
  const scaler = new GradScaler({ enabled: dtype === 'float16', initScale, growthInterval: 20 });
  const run = (): { loss: Tensor; result: StepResult } => {
    optimizer.zeroGrad();
    const forward = () => crossEntropy(model.forward(x), y);
    const loss = dtype ? autocast({ dtype }, forward) : forward();
    scaler.scale(loss).backward();
    const result = scaler.step(optimizer);
    scaler.update();
    return { loss, result };
  };
  return { step: () => run().loss, scaledStep: () => run().result };
}

async function losses({ step }: Training, count: number): Promise<number[]> {
  const read: number[] = [];
  for (let i = 0; i < count; i++) {
    const loss = scope(step);
    read.push(Number((await loss.data())[0]));
    loss.dispose();
  }
  return read;
}

const precisions = [undefined, 'float16', 'bfloat16'] as const;
const optimizers = ['sgd', 'adam'] as const;
const settings = optimizers.flatMap((optimizer) => precisions.map((dtype) => ({ optimizer, ...(dtype && { dtype }) })));

await describeDevice('training on the GPU', openGpu, (gpu) => {
  describe.each(settings)('by $optimizer in $dtype', (setting) => {
    test('sees the losses of the reference device', async () => {
      const actual = await losses(createTraining({ device: gpu, ...setting }), 50);
      const expected = await losses(createTraining({ device: cpu, ...setting }), 50);
      // Autocast rounds intermediate results to 8 or 11 bits: sums that differ in the last bit of float32 may round apart.
      const bound = setting.dtype ? 2e-2 : 1e-4;
      for (const [i, loss] of actual.entries()) expect(Math.abs(loss - expected[i]!)).toBeLessThan(bound);
    });

    test('reads nothing back, and leaves nothing to the reference device', () => {
      const { step } = createTraining({ device: gpu, ...setting });
      const before = { readbacks: gpu.readbackCount(), fallbacks: new Map(gpu.fallbacks) };
      for (let i = 0; i < 5; i++) scope(step).dispose();
      expect({ readbacks: gpu.readbackCount(), fallbacks: gpu.fallbacks }).toEqual(before);
    });
  });

  test('holds no more memory after a thousand steps than after ten, in a scope', async () => {
    const { step } = createTraining({ device: gpu, optimizer: 'adam', dtype: 'float16' });
    for (let i = 0; i < 10; i++) scope(step).dispose();
    const { liveBytes } = gpu.memory();
    for (let i = 10; i < 1000; i++) scope(step).dispose();
    expect(gpu.memory().liveBytes).toBe(liveBytes);
  });

  test('grows without one', () => {
    const { step } = createTraining({ device: gpu, optimizer: 'adam', dtype: 'float16' });
    step();
    const { liveBytes } = gpu.memory();
    step();
    expect(gpu.memory().liveBytes).toBeGreaterThan(liveBytes);
  });

  test('skips, recovers and grows the loss scale exactly as on the reference device, also from 2^40', async () => {
    const scales = async (device: Device): Promise<number[]> => {
      const training = createTraining({ device, optimizer: 'adam', dtype: 'float16', initScale: 2 ** 40 });
      const seen: number[] = [];
      for (let i = 0; i < 80; i++) seen.push((await scope(training.scaledStep).ready()).scale);
      return seen;
    };
    const [actual, expected] = [await scales(gpu), await scales(cpu)];
    expect(actual).toEqual(expected);
    expect(Math.min(...actual)).toBeLessThan(2 ** 30);
    expect(actual.some((scale, i) => scale > actual[i - 1]!)).toBe(true);
  });
});
