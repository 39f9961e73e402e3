import { cpu } from '@halfgrad/backend-cpu';
import {
  batchNorm,
  conv2d,
  crossEntropy,
  type HalfDType,
  linear,
  maxPool2d,
  relu,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '@halfgrad/core';
import { SGD } from '@halfgrad/optim';
import { decodeNumber, describeShared, type GoldenTensor, readJson } from '@halfgrad/testing';
import { expect, test } from 'vitest';
import { autocast } from './autocast.ts';
import { GradScaler } from './grad-scaler.ts';

setDefaultDevice(cpu);

type Mode = 'fp32' | 'bf16' | 'fp16';

interface Training {
  readonly data: Readonly<Record<'X' | 'Y' | 'XI' | 'YI', GoldenTensor>>;
  readonly init: Readonly<Record<string, Readonly<Record<string, GoldenTensor>>>>;
  readonly runs: readonly {
    readonly kind: 'mlp' | 'cnn';
    readonly mode: Mode;
    readonly lr: number;
    readonly momentum: number;
    readonly init_scale: number;
    readonly growth_interval: number;
    readonly loss_scale_per_step: readonly (readonly [loss: number, scale: number])[];
    readonly first_step: { readonly logits_dtype: string; readonly loss_dtype: string };
  }[];
}

type Weights = Readonly<Record<string, Tensor>>;

const models: Readonly<Record<'mlp' | 'cnn', (p: Weights, x: Tensor) => Tensor>> = {
  mlp: ({ w1, b1, w2, b2 }, x) => linear(relu(linear(x, w1!, b1)), w2!, b2),
  cnn({ cw, cb, g, be, w, b }, x) {
    const { out } = batchNorm(conv2d(x, cw!, cb, { padding: 1 }), { weight: g, bias: be });
    return linear(maxPool2d(relu(out), 2).flatten(1), w!, b);
  },
};

const regions: Readonly<Record<Mode, { enabled: boolean; dtype?: HalfDType }>> = {
  fp32: { enabled: false },
  bf16: { enabled: true, dtype: 'bfloat16' },
  fp16: { enabled: true, dtype: 'float16' },
};

/** AMP.md section G; float32 differs only by the order of its sums, which 40 steps amplify. */
const lossTolerance: Readonly<Record<Mode, number>> = { fp32: 1e-4, bf16: 1e-2, fp16: 2e-3 };

const file = 'golden/amp_training.json';
describeShared('trains as PyTorch does, loss by loss and scale by scale', [file], () => {
  const { data, init, runs } = readJson<Training>(file);
  const read = (t: GoldenTensor, dtype: 'float32' | 'int32', requiresGrad = false): Tensor =>
    tensor(t.data.map(decodeNumber), { shape: t.shape, dtype, requiresGrad });

  test.each(runs)('$kind $mode from $init_scale', (run) => {
    const [x, y] = run.kind === 'mlp' ? [data.X, data.Y] : [data.XI, data.YI];
    const weights = Object.fromEntries(
      Object.entries(init[run.kind]!).map(([name, values]) => [name, read(values, 'float32', true)]),
    );
    const optimizer = new SGD(Object.values(weights), { lr: run.lr, momentum: run.momentum });
    const scaler = new GradScaler({
      enabled: run.mode === 'fp16',
      initScale: run.init_scale,
      growthInterval: run.growth_interval,
    });
    const [inputs, labels] = [read(x, 'float32'), read(y, 'int32')];
    const dtypes = new Set<string>();
    for (const [loss, scale] of run.loss_scale_per_step) {
      optimizer.zeroGrad();
      const actual = autocast(regions[run.mode], () => {
        const logits = models[run.kind](weights, inputs);
        const out = crossEntropy(logits, labels);
        dtypes.add(`${logits.dtype} ${out.dtype}`);
        return out;
      });
      scaler.scale(actual).backward();
      scaler.step(optimizer);
      scaler.update();
      expect(Math.abs(actual.item() - loss)).toBeLessThanOrEqual(lossTolerance[run.mode] * Math.max(1, loss));
      expect(scaler.getScale()).toBe(scale);
    }
    expect([...dtypes]).toEqual([`${run.first_step.logits_dtype} ${run.first_step.loss_dtype}`]);
  });
});
