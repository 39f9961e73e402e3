import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { autocast, GradScaler } from '@halfgrad/amp';
import { cpu } from '@halfgrad/backend-cpu';
import { crossEntropy, Generator, type HalfDType, randn, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { DataLoader, TensorDataset } from '@halfgrad/data';
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from '@halfgrad/nn';
import { AdamW, CosineAnnealingLR, ExponentialMovingAverage, LinearLR, SequentialLR, SGD } from '@halfgrad/optim';
import { afterAll, describe, expect, test } from 'vitest';
import { type CheckpointParts, encodeCheckpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';

setDefaultDevice(cpu);

const folder = mkdtempSync(join(tmpdir(), 'halfgrad-io-'));
afterAll(() => rmSync(folder, { recursive: true }));

const halfway = 100;
const end = 200;

/** 44 examples in batches of 8: an epoch has 6 steps, so that step 100 is in the middle of one. */
const data = new Generator(1);
const x = randn([44, 6], { generator: data });
const y = tensor(
  Int32Array.from({ length: 44 }, (_, i) => i % 3),
  { dtype: 'int32' },
);
const loader = new DataLoader(new TensorDataset({ x, y }), { batchSize: 8, shuffle: true, seed: 5 });

interface Settings {
  readonly optimizer: 'sgd' | 'adamw';
  /** What ops compute in, under autocast. */
  readonly dtype: 'float32' | HalfDType;
  /** Of parameters in bfloat16; without it they are float32. */
  readonly rounding?: 'stochastic' | 'compensated';
}

/** Everything that a run changes, drawn from a seed. */
class Run {
  readonly settings: Settings;
  readonly generator: Generator;
  readonly model: Sequential;
  readonly optimizer: SGD | AdamW;
  readonly scaler: GradScaler;
  readonly scheduler: SequentialLR;
  readonly average: ExponentialMovingAverage;
  readonly losses: number[] = [];
  readonly skipped: number[] = [];

  constructor(settings: Settings, seed: number) {
    const generator = new Generator(seed);
    this.settings = settings;
    this.generator = generator;
    this.model = new Sequential(
      new Linear(6, 8, { generator }),
      new BatchNorm1d(8),
      new ReLU(),
      new Dropout(0.3, { generator }),
      new Linear(8, 3, { generator }),
    );
    const { rounding, dtype } = settings;
    if (rounding) this.model.to('bfloat16');
    const params = this.model.namedParameters();
    const options = { lr: 0.01, generator, ...(rounding && { rounding }) };
    this.optimizer =
      settings.optimizer === 'sgd'
        ? new SGD(params, { ...options, momentum: 0.9 })
        : new AdamW(params, { ...options, amsgrad: true });
    // So large and growing so often that float16 overflows again and again.
    this.scaler = new GradScaler({ initScale: 2 ** 20, growthInterval: 4, enabled: dtype === 'float16' });
    this.scheduler = new SequentialLR(this.optimizer, {
      schedulers: [
        new LinearLR(this.optimizer, { totalIters: 50 }),
        new CosineAnnealingLR(this.optimizer, { tMax: 200 }),
      ],
      milestones: [50],
    });
    this.average = new ExponentialMovingAverage(params, { decay: 0.9 });
  }

  /** Trains from one step to another, on the same batches whichever run it is. */
  train(from: number, to: number): this {
    for (let step = from; step < to; ) {
      const batches = [...loader.batches(Math.floor(step / loader.length))];
      for (const batch of batches.slice(step % loader.length, (step % loader.length) + to - step)) {
        this.#step(batch, step);
        step++;
      }
    }
    return this;
  }

  get parts(): CheckpointParts {
    const { model, optimizer, scaler, scheduler, average, generator } = this;
    return { model, optimizer, scaler, scheduler, average, generator };
  }

  #step(batch: { readonly x: Tensor; readonly y: Tensor }, step: number): void {
    const { model, optimizer, scaler, scheduler, average } = this;
    const { dtype } = this.settings;
    optimizer.zeroGrad();
    const region = dtype === 'float32' ? { enabled: false } : { dtype };
    const loss = autocast(region, () => crossEntropy(model.forward(batch.x), batch.y));
    scaler.scale(loss).backward();
    const result = scaler.step(optimizer);
    scaler.update();
    scheduler.step(result);
    average.update(result);
    this.losses.push(loss.item());
    if (!result.stepped) this.skipped.push(step);
  }
}

describe('a run of 200 steps that is resumed at step 100', { timeout: 60_000 }, () => {
  test.each<[title: string, settings: Settings]>([
    ['SGD in float32', { optimizer: 'sgd', dtype: 'float32' }],
    ['SGD under float16, which skips steps', { optimizer: 'sgd', dtype: 'float16' }],
    ['AdamW under float16, which skips steps', { optimizer: 'adamw', dtype: 'float16' }],
    ['AdamW under bfloat16', { optimizer: 'adamw', dtype: 'bfloat16' }],
    ['AdamW, stochastically rounded', { optimizer: 'adamw', dtype: 'bfloat16', rounding: 'stochastic' }],
    ['SGD, compensated', { optimizer: 'sgd', dtype: 'bfloat16', rounding: 'compensated' }],
  ])('ends with the bits of one that was not interrupted: %s', async (_, settings) => {
    const path = join(folder, 'run.safetensors');
    const whole = new Run(settings, 3).train(0, end);

    const first = new Run(settings, 3).train(0, halfway);
    await saveCheckpoint(path, { ...first.parts, progress: { step: halfway } });

    const resumed = new Run(settings, 4);
    const { progress } = await loadCheckpoint(path, { ...resumed.parts, progress: { step: 0 } });
    resumed.train(progress.step, end);

    expect([...first.losses, ...resumed.losses]).toEqual(whole.losses);
    expect([...first.skipped, ...resumed.skipped]).toEqual(whole.skipped);
    expect(Buffer.compare(await encodeCheckpoint(resumed.parts), await encodeCheckpoint(whole.parts))).toBe(0);
    if (settings.dtype === 'float16') {
      expect(first.skipped.length).toBeGreaterThan(5);
      expect(resumed.skipped.length).toBeGreaterThan(5);
    }
  });

  test.each(Object.keys(new Run({ optimizer: 'sgd', dtype: 'float32' }, 0).parts))(
    'ends otherwise without its %s',
    async (missing) => {
      const settings: Settings = { optimizer: 'adamw', dtype: 'float16' };
      const first = new Run(settings, 3).train(0, halfway);
      const without = (run: Run): CheckpointParts =>
        Object.fromEntries(Object.entries(run.parts).filter(([name]) => name !== missing));

      const resumed = new Run(settings, 4);
      await loadCheckpoint(await encodeCheckpoint(without(first)), without(resumed));
      resumed.train(halfway, end);
      first.train(halfway, end);
      expect(Buffer.compare(await encodeCheckpoint(resumed.parts), await encodeCheckpoint(first.parts))).not.toBe(0);
    },
  );
});
