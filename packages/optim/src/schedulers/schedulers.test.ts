import { cpu } from '@halfgrad/backend-cpu';
import { setDefaultDevice, tensor } from '@halfgrad/core';
import { constantFrom, assert as holds, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Adam,
  ChainedScheduler,
  ConstantLR,
  CosineAnnealingLR,
  CosineAnnealingWarmRestarts,
  CyclicLR,
  ExponentialLR,
  LambdaLR,
  LinearLR,
  type LRScheduler,
  MultiplicativeLR,
  MultiStepLR,
  OneCycleLR,
  PolynomialLR,
  ReduceLROnPlateau,
  Rprop,
  type ScheduledOptimizer,
  SequentialLR,
  SGD,
  StepLR,
  warmupCosine,
  warmupLinear,
} from '../index.ts';

setDefaultDevice(cpu);

const createOptimizer = (lr = 0.1): SGD => new SGD([tensor([0], { requiresGrad: true })], { lr, momentum: 0.9 });

/** One of each kind, by its arguments. */
const schedulers: Record<string, (optimizer: ScheduledOptimizer) => LRScheduler> = {
  'StepLR(5,0.5)': (o) => new StepLR(o, { stepSize: 5, gamma: 0.5 }),
  'MultiStepLR([3,7,7,15],0.1)': (o) => new MultiStepLR(o, { milestones: [3, 7, 7, 15] }),
  'ExponentialLR(0.9)': (o) => new ExponentialLR(o, { gamma: 0.9 }),
  'ConstantLR(factor=1/3,total=5)': (o) => new ConstantLR(o),
  'LinearLR(0.25->1,8)': (o) => new LinearLR(o, { startFactor: 0.25, totalIters: 8 }),
  'LinearLR(1->0.1,10)': (o) => new LinearLR(o, { startFactor: 1, endFactor: 0.1, totalIters: 10 }),
  'PolynomialLR(10,power=2)': (o) => new PolynomialLR(o, { totalIters: 10, power: 2 }),
  'CosineAnnealingLR(T_max=10,eta_min=0.01)': (o) => new CosineAnnealingLR(o, { tMax: 10, etaMin: 0.01 }),
  'CosineAnnealingWarmRestarts(T_0=4,T_mult=2,eta_min=0.001)': (o) =>
    new CosineAnnealingWarmRestarts(o, { t0: 4, tMult: 2, etaMin: 0.001 }),
  'CyclicLR(0.01,0.1,up=4,triangular2)': (o) =>
    new CyclicLR(o, { baseLr: 0.01, maxLr: 0.1, stepSizeUp: 4, mode: 'triangular2', cycleMomentum: false }),
  'CyclicLR(0.01,0.1,up=3,down=5,exp_range,0.99,momentum)': (o) =>
    new CyclicLR(o, { baseLr: 0.01, maxLr: 0.1, stepSizeUp: 3, stepSizeDown: 5, mode: 'expRange', gamma: 0.99 }),
  'OneCycleLR(max=1,total=20,cos)': (o) => new OneCycleLR(o, { maxLr: 1, totalSteps: 20 }),
  'OneCycleLR(max=1,total=20,linear,three_phase)': (o) =>
    new OneCycleLR(o, { maxLr: 1, totalSteps: 20, annealStrategy: 'linear', threePhase: true }),
  'LambdaLR(linear warmup 4, decay to 20)': (o) =>
    new LambdaLR(o, (t) => (t < 4 ? (t + 1) / 4 : Math.max(0, (20 - t) / 16))),
  'MultiplicativeLR(0.95)': (o) => new MultiplicativeLR(o, () => 0.95),
  'SequentialLR(ConstantLR(.1,4)->ExponentialLR(.9), milestone 4)': (o) =>
    new SequentialLR(o, {
      schedulers: [new ConstantLR(o, { factor: 0.1, totalIters: 4 }), new ExponentialLR(o, { gamma: 0.9 })],
      milestones: [4],
    }),
  'ChainedScheduler(ConstantLR(.1,2),ExponentialLR(.9))': (o) =>
    new ChainedScheduler(o, [new ConstantLR(o, { factor: 0.1, totalIters: 2 }), new ExponentialLR(o, { gamma: 0.9 })]),
};
const cases = Object.entries(schedulers);

describe.each(cases)('%s', (_, create) => {
  test('stands still at skipped steps', () => {
    const [skipping, plain] = [create(createOptimizer()), create(createOptimizer())];
    for (let t = 0; t < 20; t++) {
      skipping.step({ stepped: false });
      skipping.step({ stepped: true });
      plain.step();
      expect(skipping.getLastLr()).toEqual(plain.getLastLr());
    }
  });

  test('continues from a saved state on a new optimizer', () => {
    holds(
      property(integer({ min: 0, max: 12 }), integer({ min: 0, max: 12 }), (before, after) => {
        const [original, resumed] = [create(createOptimizer()), create(createOptimizer(0.7))];
        for (let t = 0; t < before; t++) original.step();
        resumed.loadStateDict(original.stateDict());
        expect(resumed.getLastLr()).toEqual(original.getLastLr());
        for (let t = 0; t < after; t++) for (const scheduler of [original, resumed]) scheduler.step();
        expect(resumed.stateDict()).toEqual(original.stateDict());
      }),
    );
  });
});

describe('schedulers', () => {
  test('start from the rate of each parameter group, also of one added later', () => {
    const optimizer = createOptimizer(0.8);
    const scheduler = new ExponentialLR(optimizer, { gamma: 0.5 });
    scheduler.step();
    optimizer.addParamGroup({ params: [tensor([1], { requiresGrad: true })], lr: 0.4 });
    scheduler.step();
    // 0.8 · 0.5², and 0.4 · 0.5²: the schedule does not begin anew.
    expect(scheduler.getLastLr()).toEqual([0.2, 0.1]);
  });

  test('take a rate or a factor for each group where one differs', () => {
    const optimizer = createOptimizer(1);
    optimizer.addParamGroup({ params: [tensor([1], { requiresGrad: true })], lr: 2 });
    expect(new LambdaLR(optimizer, [() => 0.5, () => 0.25]).getLastLr()).toEqual([0.5, 0.5]);
    expect(new OneCycleLR(optimizer, { maxLr: [25, 50], totalSteps: 10 }).getLastLr()).toEqual([1, 2]);
    expect(() => new OneCycleLR(optimizer, { maxLr: [1, 2, 3], totalSteps: 10 })).toThrow(
      'OneCycleLR: [1,2,3] has 3 numbers for 2 parameter groups.',
    );
  });

  test('cycle β₁ where there is no momentum, and complain where there is neither', () => {
    const params = [tensor([1], { requiresGrad: true })];
    const adam = new Adam(params);
    new OneCycleLR(adam, { maxLr: 1, totalSteps: 10 });
    expect(adam.paramGroups[0].betas).toEqual([0.95, 0.999]);
    expect(() => new CyclicLR(new Rprop(params), { baseLr: 0, maxLr: 1 })).toThrow(
      'CyclicLR: the optimizer has neither momentum nor betas to cycle. Pass cycleMomentum: false.',
    );
  });

  test('stay at the last rate of one cycle', () => {
    const scheduler = new OneCycleLR(createOptimizer(), { maxLr: 1, totalSteps: 5 });
    for (let t = 0; t < 12; t++) scheduler.step();
    expectClose(scheduler.getLastLr()[0], 4e-6);
  });

  test('restart cosines after any number of cycles of any growth', () => {
    holds(
      property(constantFrom(1, 2, 3, 5), integer({ min: 1, max: 7 }), integer({ min: 0, max: 6 }), (tMult, t0, n) => {
        const scheduler = new CosineAnnealingWarmRestarts(createOptimizer(1), { t0, tMult });
        const lengths = Array.from({ length: n }, (_, k) => t0 * tMult ** k);
        const start = lengths.reduce((a, b) => a + b, 0);
        expect(scheduler.schedule.lr(start, 1, 0)).toBe(1);
        if ((lengths.at(-1) ?? 1) > 1) expect(scheduler.schedule.lr(start - 1, 1, 0)).toBeLessThan(1);
      }),
    );
  });

  test('multiply only what is new, and anew after a step back', () => {
    let calls = 0;
    const scheduler = new MultiplicativeLR(createOptimizer(1), () => {
      calls++;
      return 0.5;
    });
    for (let t = 0; t < 10; t++) scheduler.step();
    expect(calls).toBe(10);
    scheduler.loadStateDict({ last_epoch: 2, base_lrs: [1] });
    expect(scheduler.getLastLr()).toEqual([0.25]);
  });

  test.each([
    ['linear', warmupLinear, [0, 0.5, 1, 0.75, 0.5, 0.25, 0, 0]],
    ['cosine', warmupCosine, [0, 0.5, 1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2, 0, 0]],
  ])('warm up, then decay: %s', (_, warmup, expected) => {
    const factor = warmup({ warmupSteps: 2, totalSteps: 6 });
    expected.forEach((value, t) => {
      expectClose(factor(t), value);
    });
  });

  test('that are combined wrongly are refused', () => {
    const [optimizer, other] = [createOptimizer(), createOptimizer()];
    const scheduler = new ExponentialLR(other, { gamma: 0.5 });
    expect(() => new ChainedScheduler(optimizer, [scheduler])).toThrow('its schedulers are for another optimizer');
    expect(() => new SequentialLR(other, { schedulers: [scheduler], milestones: [3] })).toThrow(
      'SequentialLR: 1 schedulers need 0 milestones, got [3].',
    );
    expect(() => scheduler.loadStateDict({ last_epoch: 1, base_lrs: [1, 2] })).toThrow(
      'ExponentialLR: the state has 2 rates for 1 parameter groups.',
    );
    expect(() => scheduler.loadStateDict({ last_epoch: -1, base_lrs: [1] })).toThrow(
      'ExponentialLR.loadStateDict: last_epoch is -1, which is no count.',
    );
    expect(scheduler.getLastLr()).toEqual([0.1]);
  });
});

describe('ReduceLROnPlateau', () => {
  test('waits for the larger metric in mode max, and continues from a saved state', () => {
    const [optimizer, other] = [createOptimizer(1), createOptimizer(1)];
    const options = { mode: 'max', patience: 1, factor: 0.5 } as const;
    const scheduler = new ReduceLROnPlateau(optimizer, options);
    for (const accuracy of [0.5, 0.6, 0.6]) scheduler.step(accuracy);
    const resumed = new ReduceLROnPlateau(other, options);
    resumed.loadStateDict(scheduler.stateDict());
    scheduler.step(0.6);
    resumed.step(0.6);
    expect([scheduler.getLastLr(), resumed.getLastLr()]).toEqual([[0.5], [0.5]]);
  });

  test('ignores the metric of a skipped step', () => {
    const scheduler = new ReduceLROnPlateau(createOptimizer(1), { patience: 0, factor: 0.5 });
    for (let i = 0; i < 5; i++) scheduler.step(Number.NaN, { stepped: false });
    expect(scheduler.getLastLr()).toEqual([1]);
    expect(() => new ReduceLROnPlateau(createOptimizer(), { factor: 1 })).toThrow('factor is 1. Use a number below 1.');
  });
});

function expectClose(actual: number | undefined, expected: number): void {
  expect(Math.abs((actual as number) - expected)).toBeLessThanOrEqual(1e-12);
}
