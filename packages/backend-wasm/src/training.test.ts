import { autocast, GradScaler } from '@halfgrad/amp';
import { cpu } from '@halfgrad/backend-cpu';
import { crossEntropy, type Device, Generator, type HalfDType, randn, scope, tensor } from '@halfgrad/core';
import { mlp } from '@halfgrad/nn';
import { Adam, SGD } from '@halfgrad/optim';
import { describe, expect, test } from 'vitest';
import { createWasmDevice } from './index.ts';

interface Settings {
  readonly device: Device;
  readonly optimizer: 'sgd' | 'adam';
  readonly dtype?: HalfDType;
  readonly initScale?: number;
}

/** A small classifier and its training step, written as a user would. */
function createTraining({ device, optimizer: kind, dtype, initScale = 2 ** 16 }: Settings) {
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
  const differentiate = (): number => {
    const forward = () => crossEntropy(model.forward(x), y);
    const loss = dtype ? autocast({ dtype }, forward) : forward();
    scaler.scale(loss).backward();
    return loss.item();
  };
  /** One step, with `inScope` around its forward and backward passes. */
  const step = (inScope: (body: () => number) => number = (body) => body()): { loss: number; scale: number } => {
    optimizer.zeroGrad();
    const loss = inScope(differentiate);
    scaler.step(optimizer);
    scaler.update();
    return { loss, scale: scaler.getScale() };
  };
  return { step };
}

const precisions = [undefined, 'float16', 'bfloat16'] as const;
const optimizers = ['sgd', 'adam'] as const;
const settings = optimizers.flatMap((optimizer) => precisions.map((dtype) => ({ optimizer, ...(dtype && { dtype }) })));

describe.each(settings)('a training loop ($optimizer, $dtype)', (setting) => {
  test('holds no more memory after a thousand steps than after ten, in a scope', () => {
    const device = createWasmDevice();
    const { step } = createTraining({ device, ...setting });
    for (let i = 0; i < 10; i++) scope(() => step());
    const { liveBytes, peakBytes } = device.memory();
    for (let i = 10; i < 1000; i++) scope(() => step());
    expect(device.memory().liveBytes).toBe(liveBytes);
    expect(device.memory().peakBytes).toBe(peakBytes);
  });

  test('nor when the scope ends before the optimizer steps', () => {
    const device = createWasmDevice();
    const { step } = createTraining({ device, ...setting });
    for (let i = 0; i < 10; i++) step(scope);
    const { liveBytes } = device.memory();
    for (let i = 10; i < 100; i++) step(scope);
    expect(device.memory().liveBytes).toBe(liveBytes);
  });

  test('grows without one', () => {
    const device = createWasmDevice();
    const { step } = createTraining({ device, ...setting });
    for (let i = 0; i < 10; i++) step();
    const { liveBytes } = device.memory();
    for (let i = 10; i < 20; i++) step();
    expect(device.memory().liveBytes).toBeGreaterThan(liveBytes);
  });

  test('sees the losses of the reference device', () => {
    const [wasm, reference] = [createWasmDevice(), cpu].map((device) => createTraining({ device, ...setting }));
    // Autocast rounds intermediate results to 8 or 11 bits: sums that differ in the last bit of float32 may round apart.
    const bound = setting.dtype ? 2e-2 : 1e-4;
    for (let i = 0; i < 50; i++) {
      expect(Math.abs(scope(() => wasm!.step()).loss - scope(() => reference!.step()).loss)).toBeLessThan(bound);
    }
  });
});

test('the scaler skips, recovers and grows exactly as on the reference device, also from 2^40', () => {
  const setting = { optimizer: 'adam', dtype: 'float16', initScale: 2 ** 40 } as const;
  const [wasm, reference] = [createWasmDevice(), cpu].map((device) => {
    const { step } = createTraining({ device, ...setting });
    return Array.from({ length: 120 }, () => scope(() => step()).scale);
  });
  expect(wasm).toEqual(reference);
  expect(Math.min(...wasm!)).toBeLessThan(2 ** 30);
  expect(wasm!.some((scale, i) => scale > wasm![i - 1]!)).toBe(true);
});

test('a training step leaves to the reference device only what picks the classes of a loss', () => {
  const device = createWasmDevice();
  const { step } = createTraining({ device, optimizer: 'adam', dtype: 'float16' });
  for (let i = 0; i < 3; i++) scope(() => step());
  const left = [...device.fallbacks.keys()].sort();
  expect(left).toEqual(['cast', 'equal', 'expand', 'gather', 'notEqual', 'scatterAdd', 'where']);
});
