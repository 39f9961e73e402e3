import { cpu } from '@halfgrad/backend-cpu';
import { matmul, setDefaultDevice, type Tensor, TensorError, tensor } from '@halfgrad/core';
import { Adam, clipGradNorm, SGD } from '@halfgrad/optim';
import { decodeNumber, describeShared, type GoldenNumber, readJson } from '@halfgrad/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GradScaler, type GradScalerState } from './grad-scaler.ts';

setDefaultDevice(cpu);

interface Scenario {
  readonly name: string;
  readonly config: {
    readonly optimizer: string;
    readonly lr: number;
    readonly enabled: boolean;
    readonly unscale_before_step: boolean;
    readonly clip_grad_norm: number | null;
    readonly initial_weights: readonly number[];
    readonly init_scale: number;
    readonly growth_interval: number;
  };
  readonly steps: readonly {
    readonly grad: readonly GoldenNumber[];
    readonly scaled_grad: readonly GoldenNumber[];
    readonly weights_after: readonly GoldenNumber[];
    readonly changed: boolean;
    readonly scale_after: number;
    readonly growth_tracker: number;
  }[];
  readonly state_dict: GradScalerState;
}

const basic = 'suites/torch/gradscaler_basic.json';
describeShared('PyTorch steps the same weights through the same scales', [basic], () => {
  const { scenarios } = readJson<{ scenarios: readonly Scenario[] }>(basic);
  test.each(scenarios)('$name', ({ config, steps, state_dict }) => {
    const w = tensor([...config.initial_weights], { requiresGrad: true });
    const optimizer = new SGD([w], { lr: config.lr });
    const scaler = new GradScaler({
      initScale: config.init_scale,
      growthInterval: config.growth_interval,
      enabled: config.enabled,
      minScale: 2 ** -100,
    });
    for (const step of steps) {
      optimizer.zeroGrad();
      scaler.scale(w.mul(tensor(step.grad.map(decodeNumber))).sum()).backward();
      expect(Array.from(w.grad?.dataSync() ?? [])).toEqual(step.scaled_grad.map(decodeNumber));
      if (config.unscale_before_step) scaler.unscale(optimizer);
      if (config.clip_grad_norm !== null) clipGradNorm([w], config.clip_grad_norm);
      const result = scaler.step(optimizer);
      scaler.update();
      expect(w.toArray()).toEqual(step.weights_after.map(decodeNumber));
      expect(result.stepped).toBe(step.changed);
      expect(scaler.getScale()).toBe(step.scale_after);
    }
    expect(scaler.stateDict()).toEqual(state_dict);
  });
});

interface Loop {
  readonly name: string;
  readonly init_scale: number;
  readonly growth_interval: number;
  readonly inject: Readonly<Record<string, GoldenNumber>>;
  readonly accum: number;
  readonly clip: number | null;
  readonly explicit_unscale: boolean;
  readonly steps: readonly {
    readonly loss: number;
    readonly scale: number;
    readonly tracker: number;
    readonly params: readonly (readonly GoldenNumber[])[];
  }[];
}

const scenarios = 'golden/gradscaler_scenarios.json';
describeShared('whole loops agree with PyTorch (AMP.md B7)', [scenarios], () => {
  const { scenarios: loops } = readJson<{ scenarios: readonly Loop[] }>(scenarios);
  // The one loop that sets the scale by hand needs a recipe of its own.
  test.each(loops.filter(({ name }) => !/manual|update\(new/.test(name)))('$name', (loop) => {
    const x = tensor([0.3, -0.7, 1.1]);
    const first = loop.steps[0];
    const params = (first?.params ?? []).map(() => tensor([1, -2, 0.5], { requiresGrad: true }));
    const optimizers = params.map((p, j) => optimizerOf(loop.name, p, j));
    const scaler = new GradScaler({ initScale: loop.init_scale, growthInterval: loop.growth_interval });
    loop.steps.forEach((expected, i) => {
      for (const optimizer of optimizers) optimizer.zeroGrad();
      for (let micro = 0; micro < loop.accum; micro++) {
        const losses = params.map((p, j) =>
          p
            .mul(x)
            .mul(i + 1 + j)
            .sum()
            .sub(0.25)
            .pow(2)
            .div(loop.accum),
        );
        scaler.scale(losses.reduce((a, b) => a.add(b))).backward();
      }
      params.forEach((p, j) => {
        const value = loop.inject[`${i},${j}`];
        if (value !== undefined) p.grad = withElement(p.grad as Tensor, 1, decodeNumber(value));
      });
      if (loop.explicit_unscale || loop.clip !== null) for (const optimizer of optimizers) scaler.unscale(optimizer);
      if (loop.clip !== null) clipGradNorm(params, loop.clip);
      for (const optimizer of optimizers) scaler.step(optimizer);
      scaler.update();
      const state = scaler.stateDict() as GradScalerState;
      expect([state.scale, state._growth_tracker]).toEqual([expected.scale, expected.tracker]);
      params.forEach((p, j) => {
        expectClose(Array.from(p.dataSync()), (expected.params[j] ?? []).map(decodeNumber), 1e-6);
      });
    });
  });
});

function optimizerOf(name: string, p: Tensor, j: number): SGD | Adam {
  if (/adam/i.test(name) && !(name.includes('two') && j === 0)) return new Adam([p], { lr: 0.1 });
  return new SGD([p], { lr: 0.05, momentum: /momentum/.test(name) ? 0.9 : 0 });
}

function withElement(grad: Tensor, at: number, value: number): Tensor {
  return tensor(Array.from(grad.dataSync(), (g, i) => (i === at ? value : g)));
}

function expectClose(actual: readonly number[], expected: readonly number[], relative: number): void {
  actual.forEach((value, i) => {
    expect(Math.abs(value - (expected[i] as number))).toBeLessThanOrEqual(
      relative * Math.max(1, Math.abs(expected[i] as number)),
    );
  });
}

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

  test('name the parameters whose gradients were not finite, and how many elements', () => {
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
