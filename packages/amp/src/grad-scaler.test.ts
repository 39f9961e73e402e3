import { cpu } from '@halfgrad/backend-cpu';
import { matmul, setDefaultDevice, TensorError, tensor } from '@halfgrad/core';
import { SGD } from '@halfgrad/optim';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GradScaler, type GradScalerState } from './grad-scaler.ts';

setDefaultDevice(cpu);

describe('the stages (AMP.md B4)', () => {
  const setUp = () => {
    const w = tensor([1, 2], { requiresGrad: true });
    const optimizer = new SGD([['layer.weight', w] as const], { lr: 1 });
    const scaler = new GradScaler({ initScale: 8 });
    const backward = (): void => scaler.scale(w.sum()).backward();
    return { w, optimizer, scaler, backward };
  };
  const code = (value: string): Error => expect.objectContaining({ code: value }) as Error;

  test('forbid unscale, step and update before scale (B3.1, B4.3)', () => {
    const { optimizer, scaler } = setUp();
    expect(() => scaler.unscale(optimizer)).toThrow(/nothing was scaled yet/);
    expect(() => scaler.step(optimizer)).toThrow(/nothing was scaled yet/);
    expect(() => scaler.update()).toThrow(/nothing was scaled yet/);
  });

  test('forbid unscaling twice, also after step (B3.2)', () => {
    const { optimizer, scaler, backward } = setUp();
    backward();
    scaler.unscale(optimizer);
    expect(() => scaler.unscale(optimizer)).toThrow(/already been called/);
    scaler.step(optimizer);
    expect(() => scaler.unscale(optimizer)).toThrow(/after step/);
    expect(() => scaler.step(optimizer)).toThrow(/step has already been called/);
    scaler.update();
    optimizer.zeroGrad();
    backward();
    expect(() => scaler.unscale(optimizer)).not.toThrow();
  });

  test('do not unscale a second time in step: a gradient of 1 stays 1 at any scale (B7.1)', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10, max: 30 }), fc.boolean(), (exponent, byHand) => {
        const w = tensor([1, 2], { requiresGrad: true });
        const optimizer = new SGD([w], { lr: 1 });
        const scaler = new GradScaler({ initScale: 2 ** exponent });
        scaler.scale(w.sum()).backward();
        if (byHand) scaler.unscale(optimizer);
        scaler.step(optimizer);
        expect(w.toArray()).toEqual([0, 1]);
      }),
      { numRuns: 50 },
    );
  });

  test('name the parameters whose gradients were not finite, and how many elements (T-X-07, B7.6)', () => {
    const { w, optimizer, scaler } = setUp();
    scaler.scale(w.mul(tensor([Number.POSITIVE_INFINITY, 1])).sum()).backward();
    const result = scaler.step(optimizer);
    scaler.update();
    expect([result.stepped, result.foundInf, result.scale]).toEqual([false, true, 8]);
    expect(result.nonFinite).toEqual([{ name: 'layer.weight', count: 1 }]);
    expect(w.toArray()).toEqual([1, 2]);
    expect(scaler.getScale()).toBe(4);
  });

  test('report without waiting on devices that read asynchronously', async () => {
    const { optimizer, scaler, backward } = setUp();
    backward();
    const result = await scaler.step(optimizer).ready();
    expect([result.stepped, result.scale]).toEqual([true, 8]);
  });

  test('refuse float16 gradients, by name (B3.4)', () => {
    const w = tensor([1], { dtype: 'float16', requiresGrad: true });
    const scaler = new GradScaler();
    scaler.scale(w.sum()).backward();
    const optimizer = new SGD([['head.weight', w] as const], { lr: 1 });
    expect(() => scaler.step(optimizer)).toThrow(/1 parameters have float16 gradients, first "head.weight"/);
  });

  test('refuse a step without any gradient, and an update without any step (B4.4, B5.3)', () => {
    const { w, optimizer, scaler, backward } = setUp();
    backward();
    w.grad = undefined;
    expect(() => scaler.step(optimizer)).toThrow(code('scaler-state'));
    expect(() => scaler.update()).toThrow(/no gradients were checked/);
  });
});

test('halves and doubles as PyTorch does for a half weight of ones (T-GS-18)', () => {
  const w = tensor([1], { requiresGrad: true });
  const scaler = new GradScaler({ initScale: 4, growthInterval: 2 });
  const optimizer = new SGD([w], { lr: 0 });
  const seen = [5, 20000, 5, 40000].map((input) => {
    optimizer.zeroGrad();
    const out = matmul(tensor([[input]], { dtype: 'float16' }), w.to('float16').reshape([1, 1]));
    scaler.scale(out.sum()).backward();
    const grad = w.grad?.item();
    scaler.step(optimizer);
    scaler.update();
    return [grad, scaler.getScale(), (scaler.stateDict() as GradScalerState)._growth_tracker];
  });
  expect(seen).toEqual([
    [20, 4, 1],
    [Number.POSITIVE_INFINITY, 2, 0],
    [10, 2, 1],
    [Number.POSITIVE_INFINITY, 1, 0],
  ]);
});

test('is transparent when disabled (B10)', () => {
  const w = tensor([1], { requiresGrad: true });
  const optimizer = new SGD([w], { lr: 1 });
  const scaler = new GradScaler({ enabled: false, initScale: -1 });
  const loss = w.sum();
  expect(scaler.scale(loss)).toBe(loss);
  loss.backward();
  scaler.unscale(optimizer);
  const result = scaler.step(optimizer);
  scaler.update();
  expect([result.stepped, scaler.getScale(), scaler.stateDict(), w.item()]).toEqual([true, 1, {}, 0]);
});

test.each([
  [{ initScale: 0 }, /initScale must be a finite number above 0, got 0/],
  [{ growthFactor: 1 }, /growthFactor must be above 1, got 1/],
  [{ backoffFactor: 1 }, /backoffFactor must be between 0 and 1, got 1/],
  [{ growthInterval: 0 }, /growthInterval must be a positive integer, got 0/],
  [{ minScale: 100, initScale: 1 }, /initScale 1 is outside minScale 100/],
])('refuses %o (B1.2)', (options, message) => {
  expect(() => new GradScaler(options)).toThrow(message);
});

test("carries its state over, under PyTorch's names (B6.2, T-GS-03)", () => {
  const state = { scale: 3, growth_factor: 4, backoff_factor: 0.5, growth_interval: 2, _growth_tracker: 0 };
  const scaler = new GradScaler({ initScale: 6, growthFactor: 7, backoffFactor: 0.8, growthInterval: 1 });
  scaler.loadStateDict(state);
  expect(scaler.stateDict()).toEqual(state);
  expect(() => scaler.loadStateDict({})).toThrow(TensorError);
  expect(scaler.stateDict()).toEqual(state);
});

test('recovers from any start scale in at most its logarithm of skips', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 127 }), (exponent) => {
      const w = tensor([1], { requiresGrad: true });
      const optimizer = new SGD([w], { lr: 0 });
      const scaler = new GradScaler({ initScale: 2 ** exponent, onCollapse: 'floor' });
      let skips = 0;
      for (;;) {
        optimizer.zeroGrad();
        scaler.scale(w.to('float16').mul(2).to('float32').sum()).backward();
        const { stepped } = scaler.step(optimizer);
        scaler.update();
        if (stepped) break;
        skips++;
      }
      // The gradient before the cast is 2 · scale, and float16 overflows at 2^16.
      expect(skips).toBe(Math.max(exponent - 14, 0));
    }),
    { numRuns: 20 },
  );
});
