import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { autocast, GradScaler } from '@halfgrad/amp';
import { cpu } from '@halfgrad/backend-cpu';
import { crossEntropy, Generator, type HalfDType, randn, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { DataLoader, TensorDataset } from '@halfgrad/data';
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from '@halfgrad/nn';
import { AdamW, SGD } from '@halfgrad/optim';
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
  readonly dtype: 'float32' | HalfDType;
}

/** Everything that a run changes, drawn from a seed. */
class Run {
  readonly settings: Settings;
  readonly generator: Generator;
  readonly model: Sequential;
  readonly optimizer: SGD | AdamW;
  readonly scaler: GradScaler;
  readonly schedule: WarmUp;
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
    const params = this.model.namedParameters();
    this.optimizer =
      settings.optimizer === 'sgd' ? new SGD(params, { lr: 0, momentum: 0.9 }) : new AdamW(params, { amsgrad: true });
    // So large and growing so often that float16 overflows again and again.
    this.scaler = new GradScaler({ initScale: 2 ** 20, growthInterval: 4, enabled: settings.dtype === 'float16' });
    this.schedule = new WarmUp(this.optimizer);
  }

  /** Trains from one step to another, of the same batches whichever run it is. */
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
    const { model, optimizer, scaler, schedule, generator } = this;
    return { model, optimizer, scaler, schedule, generator };
  }

  /** All there is, to the last bit. */
  async bits(): Promise<Uint8Array> {
    return encodeCheckpoint(this.parts);
  }

  #step(batch: { readonly x: Tensor; readonly y: Tensor }, step: number): void {
    const { model, optimizer, scaler, schedule, settings } = this;
    optimizer.zeroGrad();
    const { dtype } = settings;
    const loss = autocast(dtype === 'float32' ? { enabled: false } : { dtype }, () =>
      crossEntropy(model.forward(batch.x), batch.y),
    );
    scaler.scale(loss).backward();
    const { stepped } = scaler.step(optimizer);
    scaler.update();
    if (stepped) schedule.step();
    else this.skipped.push(step);
    this.losses.push(loss.item());
  }
}

/** A learning rate that rises for 50 steps and then falls; a state that only a schedule has. */
class WarmUp {
  readonly #optimizer: SGD | AdamW;
  #steps = 0;

  constructor(optimizer: SGD | AdamW) {
    this.#optimizer = optimizer;
    this.step();
  }

  step(): void {
    this.#steps++;
    this.#optimizer.paramGroups[0].lr = 0.01 * Math.min(this.#steps / 50, Math.sqrt(50 / this.#steps));
  }

  stateDict(): object {
    return { steps: this.#steps };
  }

  loadStateDict(state: object): void {
    this.#steps = (state as { readonly steps: number }).steps;
  }
}

describe('a run of 200 steps that is resumed at step 100', () => {
  test.each<Settings>([
    { optimizer: 'sgd', dtype: 'float32' },
    { optimizer: 'adamw', dtype: 'bfloat16' },
    { optimizer: 'sgd', dtype: 'float16' },
    { optimizer: 'adamw', dtype: 'float16' },
  ])('ends with the bits of one that was not interrupted: $optimizer, $dtype', async (settings) => {
    const path = join(folder, `${settings.optimizer}-${settings.dtype}.safetensors`);
    const whole = new Run(settings, 3).train(0, end);

    const first = new Run(settings, 3).train(0, halfway);
    await saveCheckpoint(path, { ...first.parts, progress: { step: halfway } });

    const resumed = new Run(settings, 4);
    const { progress } = await loadCheckpoint(path, { ...resumed.parts, progress: { step: 0 } });
    expect(progress).toEqual({ step: halfway });
    resumed.train(halfway, end);

    expect([...first.losses, ...resumed.losses]).toEqual(whole.losses);
    expect(Buffer.compare(await resumed.bits(), await whole.bits())).toBe(0);
    expect([...first.skipped, ...resumed.skipped]).toEqual(whole.skipped);
    if (settings.dtype === 'float16') {
      expect(first.skipped.length).toBeGreaterThan(5);
      expect(resumed.skipped.length).toBeGreaterThan(5);
    }
  });

  test.each(['model', 'optimizer', 'scaler', 'schedule', 'generator'])(
    'ends otherwise without its %s',
    async (missing) => {
      const settings: Settings = { optimizer: 'adamw', dtype: 'float16' };
      const first = new Run(settings, 3).train(0, halfway);
      const { [missing]: _, ...parts } = first.parts;
      const checkpoint = await encodeCheckpoint(parts);

      const resumed = new Run(settings, 4);
      const { [missing]: __, ...others } = resumed.parts;
      await loadCheckpoint(checkpoint, others);
      resumed.train(halfway, end);
      first.train(halfway, end);
      expect(Buffer.compare(await resumed.bits(), await first.bits())).not.toBe(0);
    },
  );
});
