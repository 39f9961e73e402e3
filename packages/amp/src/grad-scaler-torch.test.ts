import { cpu } from '@halfgrad/backend-cpu';
import { type FloatDType, grad, linear, mseLoss, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { Adam, AdamW, clipGradNorm, SGD } from '@halfgrad/optim';
import { describeShared, readJson } from '@halfgrad/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { autocast } from './autocast.ts';
import { GradScaler, type GradScalerState } from './grad-scaler.ts';
import type { StepResult } from './step-result.ts';

setDefaultDevice(cpu);

const infinity = Number.POSITIVE_INFINITY;
const oneWeight = (initScale = 8, options = {}) => {
  const w = tensor([1], { requiresGrad: true });
  return { w, optimizer: new SGD([w], { lr: 1 }), scaler: new GradScaler({ initScale, ...options }) };
};

/** One iteration whose gradient is 1, or not finite. */
function iterate({ w, optimizer, scaler }: ReturnType<typeof oneWeight>, value = 1): StepResult {
  optimizer.zeroGrad();
  scaler.scale(w.mul(value).sum()).backward();
  const result = scaler.step(optimizer);
  scaler.update();
  return result;
}

test('scales tensors, lists, nested records, and nothing else (T-GS-01, B2.2)', () => {
  const scaler = new GradScaler({ initScale: 2 });
  const [a, b] = [tensor(1), tensor(2)];
  const scaled = scaler.scale({ a, rest: [b, [a]] } as const);
  expect([scaled.a, scaled.rest[0], scaled.rest[1][0]].map((loss) => loss.item())).toEqual([2, 4, 2]);
  expect(() => scaler.scale('loss' as never)).toThrow(/takes tensors, lists and records of them, got loss/);
});

describeShared('the scaled loss has the dtype and value of PyTorch (B2.3)', ['golden/gradscaler_update.json'], () => {
  const { scale_result } = readJson<{
    scale_result: readonly {
      loss_dtype: FloatDType;
      loss_shape: number[];
      loss: number;
      scale: number;
      result_dtype: string;
      result: number | 'Infinity';
    }[];
  }>('golden/gradscaler_update.json');
  test.each(scale_result)('$loss_dtype $loss_shape $loss', (row) => {
    const loss = tensor([row.loss], { shape: row.loss_shape, dtype: row.loss_dtype });
    const scaled = new GradScaler({ initScale: row.scale }).scale(loss);
    expect([scaled.dtype, scaled.item()]).toEqual([row.result_dtype, Number(row.result)]);
  });
});

test('the state overwrites what was given, before the first scale and after (T-GS-03, B6.3)', () => {
  const state = { scale: 3, growth_factor: 4, backoff_factor: 0.5, growth_interval: 2, _growth_tracker: 0 };
  for (const isLazy of [true, false]) {
    const scaler = new GradScaler({ initScale: 6, growthFactor: 7, backoffFactor: 0.8, growthInterval: 1 });
    if (!isLazy) scaler.scale(tensor(1));
    scaler.loadStateDict(state);
    expect(scaler.stateDict()).toEqual(state);
    expect(scaler.scale(tensor(1)).item()).toBe(3);
  }
});

test('grows and backs off as update_scale does (T-GS-04, B5.3, B5.7)', () => {
  const run = oneWeight(4, { backoffFactor: 0.25, growthInterval: 2 });
  const seen = [1, 1, infinity].map((value) => {
    iterate(run, value);
    const { scale, _growth_tracker } = run.scaler.stateDict() as GradScalerState;
    return [scale, _growth_tracker];
  });
  expect(seen).toEqual([
    [4, 1],
    [8, 0],
    [2, 0],
  ]);
});

describe('unscaling by 4 (T-GS-05, B3.3, B3.4, B3.5)', () => {
  const gradient: fc.Arbitrary<number[]> = fc.array(
    fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: -64, max: 64 }) },
      fc.constantFrom(infinity, -infinity, Number.NaN),
    ),
    { minLength: 1, maxLength: 6 },
  );
  test('divides the gradients of all dtypes and notes any that is not finite', () => {
    fc.assert(
      fc.property(gradient, gradient, gradient, (...values) => {
        const dtypes = ['float32', 'bfloat16', 'float64'] as const;
        const params = values.map((v, i) =>
          tensor(
            v.map(() => 0),
            { dtype: dtypes[i] as FloatDType, requiresGrad: true },
          ),
        );
        const scaler = new GradScaler({ initScale: 4 });
        scaler.scale(tensor(1));
        params.forEach((p, i) => {
          p.grad = tensor(values[i] as number[], { dtype: p.dtype });
        });
        const result = scaler.step(new SGD(params, { lr: 0 }));
        expect(result.foundInf).toBe(!values.flat().every(Number.isFinite));
        expect(params.map(({ grad: g }) => Array.from(g?.dataSync() ?? []))).toEqual(
          values.map((v) => v.map((x) => x / 4)),
        );
      }),
    );
  });
});

interface Case {
  readonly name: string;
  readonly create: (params: readonly Tensor[]) => SGD | Adam | AdamW;
}

const cases: readonly Case[] = [
  { name: 'SGD with momentum', create: (params) => new SGD([...params], { lr: 0.5, momentum: 0.5 }) },
  { name: 'Adam', create: (params) => new Adam([...params], { lr: 0.1 }) },
  { name: 'AdamW with amsgrad', create: (params) => new AdamW([...params], { lr: 0.1, amsgrad: true }) },
];

/** PyTorch's common model: two linear layers, four batches, infinity injected at the third. */
function train(
  { create }: Case,
  enabled: boolean,
  { unscale = false, clip = infinity, accumulate = 1, inject = true },
) {
  const values = (count: number, seed: number): number[] => Array.from({ length: count }, (_, i) => Math.sin(i + seed));
  const layers = [1, 2].flatMap((seed) => [
    tensor(values(64, seed), { shape: [8, 8], requiresGrad: true }),
    tensor(values(8, seed), { requiresGrad: true }),
  ]);
  const [w1, b1, w2, b2] = layers as [Tensor, Tensor, Tensor, Tensor];
  const optimizer = create(layers);
  let scaler = new GradScaler({ enabled, initScale: 128, growthInterval: 1 });
  let skipped = 0;
  for (let i = 0; i < 4; i++) {
    optimizer.zeroGrad();
    for (let micro = 0; micro < accumulate; micro++) {
      const x = tensor(values(16, 10 * i + micro), { shape: [2, 8] });
      const y = tensor(values(16, 20 * i + micro), { shape: [2, 8] });
      const loss = mseLoss(linear(linear(x, w1, b1), w2, b2), y).div(accumulate);
      scaler.scale(loss).backward();
    }
    const injected = inject && i === 2;
    if (injected && enabled)
      w2.grad = tensor(
        values(64, i).map((v, j) => (j === 3 ? infinity : v)),
        { shape: [8, 8] },
      );
    if (unscale || clip < infinity) scaler.unscale(optimizer);
    if (clip < infinity) clipGradNorm(layers, clip);
    if (!injected || enabled) {
      const { stepped } = scaler.step(optimizer);
      if (!stepped) skipped++;
    }
    scaler.update();
    // A scaler that was saved and loaded goes on as the first would have.
    const next = new GradScaler({ enabled, initScale: 7, growthInterval: 1 });
    next.loadStateDict(scaler.stateDict());
    scaler = next;
  }
  const state = layers.map((p) => Object.values(optimizer.state.get(p) ?? {}).map((s) => s.toArray()));
  return { weights: layers.map((p) => p.toArray()), state, skipped, scale: scaler.getScale() };
}

describe('training with a scale is training without, bit for bit, and skips what overflows (T-X-11, B10)', () => {
  const variants = [
    ['T-GS-07, T-GS-08', {}],
    ['unscaled by hand, T-GS-09', { unscale: true }],
    ['clipped, T-GS-13', { clip: 0.1 }],
    ['accumulated over two batches, T-GS-15', { accumulate: 2, inject: false }],
  ] as const;
  test.each(cases.flatMap((each) => variants.map(([name, options]) => [each.name, name, each, options] as const)))(
    '%s: %s',
    (_, __, each, options) => {
      const scaled = train(each, true, options);
      const control = train(each, false, options);
      expect([scaled.weights, scaled.state]).toEqual([control.weights, control.state]);
      const skips = 'inject' in options ? 0 : 1;
      expect([scaled.skipped, scaled.scale, control.scale]).toEqual([skips, 128 * 2 ** (4 - skips) * 0.5 ** skips, 1]);
    },
  );
});

test('what is put into gradients after unscaling reaches the parameters, unless it is checked again (T-GS-10, B4.7)', () => {
  const seen = [false, true].map((recheckAfterUnscale) => {
    const { w, optimizer, scaler } = oneWeight(8, { recheckAfterUnscale });
    scaler.scale(w.sum()).backward();
    scaler.unscale(optimizer);
    w.grad = tensor([infinity]);
    return [scaler.step(optimizer).stepped, w.item()];
  });
  expect(seen).toEqual([
    [true, -infinity],
    [false, 1],
  ]);
});

test('never grows to infinity (T-GS-11, B5.5)', () => {
  const run = oneWeight(1e38, { growthFactor: 16, growthInterval: 1 });
  iterate(run, 0);
  expect(run.scaler.getScale()).toBe(Math.fround(1e38));
});

test('a gradient penalty is differentiated twice (T-GS-14, B7.3)', () => {
  const trained = [true, false].map((enabled) => {
    const w = tensor([0.5, -1.5], { requiresGrad: true });
    const optimizer = new SGD([w], { lr: 0.125 });
    const scaler = new GradScaler({ enabled, initScale: 128 });
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad();
      const loss = w.square().sum();
      const scaledGrad = grad(scaler.scale(loss), w, { createGraph: true });
      const penalty = scaledGrad
        .mul(1 / scaler.getScale())
        .square()
        .sum();
      scaler.scale(w.square().sum().add(penalty)).backward();
      scaler.step(optimizer);
      scaler.update();
    }
    return w.toArray();
  });
  expect(trained[0]).toEqual(trained[1]);
});

test('two models, one unscaled by hand, one overflow: three growths, one backoff (T-GS-16, B7.4)', () => {
  const params = [1, 2].map((value) => tensor([value], { requiresGrad: true }));
  const optimizers = params.map((p) => new SGD([p], { lr: 0.25 }));
  const scaler = new GradScaler({ initScale: 128, growthInterval: 1 });
  const stepped = [0, 1, 2, 3].map((i) => {
    for (const optimizer of optimizers) optimizer.zeroGrad();
    for (const p of params) scaler.scale(p.square().sum()).backward();
    if (i === 2) (params[1] as Tensor).grad = tensor([Number.NaN]);
    scaler.unscale(optimizers[0] as SGD);
    const results = optimizers.map((optimizer) => scaler.step(optimizer).stepped);
    scaler.update();
    return results;
  });
  expect(stepped).toEqual([
    [true, true],
    [true, true],
    [true, false],
    [true, true],
  ]);
  expect(scaler.getScale()).toBe(128 * 2 ** 3 * 0.5);
  expect(params.map((p) => p.item())).toEqual([1 / 16, 2 / 8]);
});

test('hands the optimizer the flag, and whatever else its step takes (T-GS-17, B4.1, B4.6)', () => {
  const seen: unknown[] = [];
  const w = tensor([1], { requiresGrad: true });
  const optimizer = {
    namedParameters: () => [['w', w] as const],
    step: (options?: { readonly note?: string; readonly foundInf?: Tensor }) => {
      seen.push(options?.note, options?.foundInf?.item());
    },
  };
  for (const enabled of [true, false]) {
    const scaler = new GradScaler({ enabled, initScale: 2 });
    w.grad = undefined;
    scaler.scale(w.sum()).backward();
    scaler.step(optimizer, { note: 'hello' });
  }
  expect(seen).toEqual(['hello', 0, 'hello', undefined]);
});

test('refuses closures, by name and by position (B4.2)', () => {
  const { w, optimizer, scaler } = oneWeight();
  scaler.scale(w.sum()).backward();
  const closure = (): number => 1;
  for (const options of [closure, { closure }])
    expect(() => scaler.step(optimizer, options as never)).toThrow(
      /a closure would compute gradients that nobody scales/,
    );
});

test('takes a new scale as a number or a tensor, and keeps the count (B5.2)', () => {
  const run = oneWeight();
  iterate(run);
  run.scaler.update(4);
  run.scaler.update(tensor([32]));
  expect(run.scaler.stateDict()).toMatchObject({ scale: 32, _growth_tracker: 1 });
  for (const wrong of [0, Number.NaN, tensor([1, 2]), tensor(1, { requiresGrad: true })])
    expect(() => run.scaler.update(wrong)).toThrow(/newScale must be/);
  expect(run.scaler.getScale()).toBe(32);
});

test('a count that is past the interval grows: PyTorch waits for equality, and so for ever (B5.4, B6.1)', () => {
  const run = oneWeight(8, { growthInterval: 100 });
  for (let i = 0; i < 5; i++) iterate(run);
  run.scaler.configure({ growthInterval: 3 });
  iterate(run);
  expect(run.scaler.getScale()).toBe(16);
  expect(() => run.scaler.configure({ growthInterval: 0 })).toThrow(/growthInterval must be a positive integer/);
});

test('an overflow that only dividing makes is found, and no skip takes the scale to 0 (T-X-05, B3.7)', () => {
  const { w, optimizer, scaler } = oneWeight(2 ** -14);
  scaler.scale(tensor(1));
  w.grad = tensor([3e38]);
  expect(scaler.step(optimizer).stepped).toBe(false);
  scaler.update();
  expect([w.item(), scaler.getScale()]).toEqual([1, 2 ** -14]);
});

test('a static scale never changes, and still skips (B9.5)', () => {
  const run = oneWeight(8, { mode: 'static', growthInterval: 1 });
  expect([1, infinity, 1].map((value) => iterate(run, value).stepped)).toEqual([true, false, true]);
  expect(run.scaler.getScale()).toBe(8);
});

test('absorbs overflows up to the budget, and saves what is left of it (B9.1)', () => {
  const options = { hysteresis: 2, growthInterval: 4 };
  const run = oneWeight(8, options);
  iterate(run, infinity);
  expect(run.scaler.getScale()).toBe(8);
  const restored = oneWeight(1, options);
  restored.scaler.loadStateDict(run.scaler.stateDict());
  iterate(restored, infinity);
  expect(restored.scaler.stateDict()).toMatchObject({ scale: 4, _skip_tracker: 2 });
});

test('calls onSkip with each skipped step, once, and without waiting', async () => {
  const skipped: number[] = [];
  const run = oneWeight(8, { onSkip: ({ scale }: StepResult) => skipped.push(scale) });
  iterate(run);
  iterate(run, infinity);
  expect(skipped).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve));
  expect(skipped).toEqual([8]);
  expect(iterate(run, infinity).stepped).toBe(false);
  expect(skipped).toEqual([8, 4]);
  await new Promise((resolve) => setTimeout(resolve));
  expect(skipped).toEqual([8, 4]);
});

describe('a collapse is an error where that is asked for', () => {
  test('after so many skips in a row, counted exactly', () => {
    const run = oneWeight(2 ** 16, { onCollapse: 'error', collapseAfter: 5 });
    for (const value of [1, infinity, infinity, 1, infinity, infinity, infinity, infinity]) iterate(run, value);
    expect(() => iterate(run, infinity)).toThrow(
      /5 steps in a row were skipped; the scale fell from 65536 to 512. If the loss itself is not finite/,
    );
  });

  test('or at the second skip at the floor', () => {
    const run = oneWeight(4, { onCollapse: 'error', minScale: 1 });
    iterate(run, infinity);
    iterate(run, infinity);
    expect(run.scaler.getScale()).toBe(1);
    expect(() => iterate(run, infinity)).toThrow(/3 steps in a row were skipped; the scale fell from 4 to 1/);
  });
});

test('keeps a gradient that float16 would flush to zero (T-GS-07)', () => {
  const gradients = [true, false].map((enabled) => {
    const w = tensor([[1]], { requiresGrad: true });
    const scaler = new GradScaler({ enabled, initScale: 2 ** 10 });
    const loss = autocast({}, () =>
      linear(tensor([[1]]), w)
        .sum()
        .mul(2 ** -30),
    );
    scaler.scale(loss).backward();
    scaler.unscale(new SGD([w], { lr: 1 }));
    return w.grad?.item();
  });
  expect(gradients).toEqual([2 ** -30, 0]);
});
