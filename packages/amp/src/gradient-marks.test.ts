import { cpu } from '@halfgrad/backend-cpu';
import { setDefaultDevice, tensor } from '@halfgrad/core';
import { clipGradNorm, clipGradValue, SGD } from '@halfgrad/optim';
import { describe, expect, test } from 'vitest';
import { GradScaler } from './grad-scaler.ts';

setDefaultDevice(cpu);

function setUp(initScale = 65536) {
  const w = tensor([1, 2], { requiresGrad: true });
  const optimizer = new SGD([['fc1.weight', w] as const], { lr: 1 });
  return { w, optimizer, scaler: new GradScaler({ initScale }) };
}

const mixed = expect.objectContaining({ code: 'mixed-loss-scales' }) as Error;

describe('gradients remember the scale they were made with', () => {
  test('so that stepping without the scaler is an error, and changes nothing', () => {
    const { w, optimizer, scaler } = setUp();
    scaler.scale(w.sum()).backward();
    expect(() => optimizer.step()).toThrow(
      'optimizer.step: gradients still carry a loss scale of 65536 (1 parameters, first "fc1.weight"). Call scaler.step(optimizer), or scaler.unscale(optimizer) first.',
    );
    expect(w.toArray()).toEqual([1, 2]);
    scaler.unscale(optimizer);
    optimizer.step();
    expect(w.toArray()).toEqual([0, 1]);
  });

  test.each([
    ['clipGradNorm', clipGradNorm],
    ['clipGradValue', clipGradValue],
  ] as const)('so that %s before unscale is an error (T-GS-12)', (_, clip) => {
    const { w, optimizer, scaler } = setUp();
    scaler.scale(w.sum()).backward();
    expect(() => clip([w], 1)).toThrow(/still carry a loss scale of 65536.*Call scaler.unscale\(optimizer\) first/);
    scaler.unscale(optimizer);
    expect(() => clip([w], 1)).not.toThrow();
  });

  test('so that a loss without scale cannot be added to scaled gradients', () => {
    const { w, scaler } = setUp();
    scaler.scale(w.sum()).backward();
    expect(() => w.sum().backward()).toThrow(
      /carries a loss scale, and this loss carries none: their sum would mix scales/,
    );
  });

  test('so that an accumulation goes on with one scale only (B7.2)', () => {
    const { w, optimizer, scaler } = setUp();
    scaler.scale(w.sum()).backward();
    scaler.scale(w.sum()).backward();
    expect(w.grad?.toArray()).toEqual([131072, 131072]);
    scaler.update(131072);
    expect(() => scaler.scale(w.sum()).backward()).toThrow(mixed);
    expect(() => scaler.step(optimizer)).toThrow(mixed);
    expect(w.grad?.toArray()).toEqual([131072, 131072]);
  });

  test('so that nothing is added to unscaled gradients: zeroGrad was forgotten, or unscale came too early', () => {
    const { w, optimizer, scaler } = setUp();
    scaler.scale(w.sum()).backward();
    scaler.unscale(optimizer);
    expect(() => scaler.scale(w.sum()).backward()).toThrow(/was already unscaled.*zeroGrad\(\) before the first/);
    clipGradNorm([w], 1);
    expect(() => scaler.scale(w.sum()).backward()).toThrow(mixed);
    scaler.step(optimizer);
    scaler.update();
    optimizer.zeroGrad();
    expect(() => scaler.scale(w.sum()).backward()).not.toThrow();
  });

  test('so that a gradient that nothing was added to is not divided a second time', () => {
    const { w, optimizer, scaler } = setUp();
    scaler.scale(w.sum()).backward();
    scaler.step(optimizer);
    scaler.update();
    expect(() => scaler.step(optimizer)).toThrow(/"fc1.weight" was already unscaled/);
  });

  test("so that one scaler does not unscale another's", () => {
    const { w, optimizer, scaler } = setUp();
    const other = new GradScaler({ initScale: 2 });
    other.scale(w.sum());
    scaler.scale(w.sum()).backward();
    expect(() => other.step(optimizer)).toThrow(mixed);
    expect(() => other.scale(w.sum()).backward()).toThrow(mixed);
    expect(scaler.step(optimizer).stepped).toBe(true);
  });

  test('through whatever is computed from the scaled loss', () => {
    const { w, optimizer, scaler } = setUp(4);
    scaler.scale(w.sum()).add(scaler.scale(w.square().sum())).div(2).backward();
    expect(() => optimizer.step()).toThrow(/a loss scale of 4/);
  });

  test('but not in static mode across updates: the scale is the same', () => {
    const { w, optimizer } = setUp();
    const scaler = new GradScaler({ mode: 'static', initScale: 8 });
    const late = tensor([1], { requiresGrad: true });
    scaler.scale(w.sum().add(late.sum())).backward();
    scaler.step(optimizer);
    scaler.update();
    scaler.scale(late.sum()).backward();
    expect(late.grad?.item()).toBe(16);
  });

  test('a gradient that was set by hand is taken as it is', () => {
    const { w, optimizer, scaler } = setUp(2);
    scaler.scale(w.sum()).backward();
    w.grad = w.grad?.div(2);
    expect(() => optimizer.step()).not.toThrow();
    expect(w.toArray()).toEqual([0, 1]);
  });
});

test('a parameter of two optimizers is not unscaled twice (T-X-06, B3.6)', () => {
  const { w, optimizer, scaler } = setUp(4);
  const second = new SGD([['shared', w] as const], { lr: 1 });
  scaler.scale(w.sum()).backward();
  scaler.step(optimizer);
  expect(() => scaler.unscale(second)).toThrow(/"shared" belongs to two optimizers/);
  expect(w.grad?.toArray()).toEqual([1, 1]);
});
