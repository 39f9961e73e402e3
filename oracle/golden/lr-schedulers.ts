import { type Device, tensor } from '@halfgrad/core';
import {
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
  type ScheduledOptimizer,
  SequentialLR,
  SGD,
  StepLR,
} from '@halfgrad/optim';
import { readJson } from '@halfgrad/testing';
import { expectNumbers, near } from '../compare.ts';
import { Missing, type Suite } from '../suite.ts';

interface Recorded {
  readonly base_lr: number;
  readonly lr: readonly number[];
  readonly momentum?: readonly number[];
  /** What a plateau scheduler is told at each step. */
  readonly metrics?: readonly number[];
}

type Create = (optimizer: ScheduledOptimizer) => LRScheduler | ReduceLROnPlateau;

/** The schedulers by the names in the file, which are all that it says of them. */
const schedulers: Readonly<Record<string, Create>> = {
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
  'ReduceLROnPlateau(patience=2,factor=0.5)': (o) => new ReduceLROnPlateau(o, { patience: 2, factor: 0.5 }),
  'ReduceLROnPlateau(patience=1,cooldown=2,abs 0.01,min_lr .02)': (o) =>
    new ReduceLROnPlateau(o, {
      patience: 1,
      factor: 0.5,
      cooldown: 2,
      threshold: 0.01,
      thresholdMode: 'abs',
      minLr: 0.02,
    }),
};

const file = 'golden/lr_schedulers.json';

export const lrSchedulers: Suite = {
  name: 'lr_schedulers',
  source: "PyTorch's learning-rate schedulers",
  tolerance: '1e-12',
  files: [file],
  cases: () =>
    Object.entries(readJson<{ schedulers: Readonly<Record<string, Recorded>> }>(file).schedulers).map(
      ([name, recorded]) => ({ name, run: (device) => check(name, recorded, device) }),
    ),
};

function advance(scheduler: LRScheduler | ReduceLROnPlateau, metric: number | undefined): void {
  if (scheduler instanceof ReduceLROnPlateau) scheduler.step(metric ?? Number.NaN);
  else scheduler.step();
}

function check(name: string, { base_lr, lr, momentum, metrics }: Recorded, device: Device): never[] {
  const create = schedulers[name];
  if (!create) throw new Missing(`scheduler ${name}`);
  const optimizer = new SGD([tensor([0], { device, requiresGrad: true })], { lr: base_lr, momentum: 0.9 });
  const scheduler = create(optimizer);
  const agrees = near(1e-12);
  lr.forEach((rate, t) => {
    if (t > 0) advance(scheduler, metrics?.[t - 1]);
    expectNumbers(`rate after ${t} steps`, scheduler.getLastLr(), { values: [rate] }, agrees);
    const expected = momentum?.[t];
    if (expected === undefined) return;
    expectNumbers(`momentum after ${t} steps`, [optimizer.paramGroups[0].momentum], { values: [expected] }, agrees);
  });
  return [];
}
