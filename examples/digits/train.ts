import {
  crossEntropy,
  type Device,
  fromHost,
  Generator,
  manualSeed,
  scope,
  setDefaultDevice,
  type Tensor,
} from 'halfgrad';
import { autocast, GradScaler, type StepResult } from 'halfgrad/amp';
import { type Digits, digitLevels, digitPixels } from 'halfgrad/data';
import { mlp } from 'halfgrad/nn';
import { SGD } from 'halfgrad/optim';

/** `float32`, or the dtype that autocast lowers to; float16 comes with a loss scale. */
export const precisions = ['float32', 'float16', 'bfloat16'] as const;
export type Precision = (typeof precisions)[number];

export interface DigitsOptions {
  readonly precision: Precision;
  readonly steps: number;
  readonly batch?: number;
  readonly initScale?: number;
  /** Reads the loss and what the step did only every so many steps. */
  readonly logEvery?: number;
  readonly onStep?: (log: DigitsLog) => void;
}

export interface DigitsLog {
  readonly step: number;
  readonly loss: number;
  /** The loss scale of this step, and whether the step was taken. */
  readonly scale: number;
  readonly stepped: boolean;
}

/** Trains a 64-32-10 network on 8×8 digits. The script is the same for every device and precision. */
export async function trainDigits(device: Device, digits: Digits, options: DigitsOptions): Promise<DigitsLog[]> {
  const { precision, steps, batch = 64, initScale = 2 ** 16, logEvery = 1, onStep } = options;
  setDefaultDevice(device);
  manualSeed(1);
  const model = mlp([digitPixels, 32, 10]);
  const optimizer = new SGD(model.namedParameters(), { lr: 0.1, momentum: 0.9 });
  const scaler = new GradScaler({ enabled: precision === 'float16', initScale, growthInterval: 20 });
  const region = precision === 'float32' ? { enabled: false } : { dtype: precision };
  const order = new Generator(1);

  const logs: DigitsLog[] = [];
  for (let step = 1; step <= steps; step++) {
    const { x, y } = drawBatch(digits, order.permutation(digits.labels.length).subarray(0, batch));
    const isLogged = step % logEvery === 0;
    const outcome: { loss?: Tensor; result?: StepResult } = {};
    scope(() => {
      optimizer.zeroGrad();
      const loss = autocast(region, () => crossEntropy(model.forward(x), y));
      scaler.scale(loss).backward();
      outcome.result = scaler.step(optimizer);
      scaler.update();
      if (isLogged) outcome.loss = loss.detach().keep();
    });
    x.dispose();
    y.dispose();
    if (isLogged && outcome.loss && outcome.result) {
      const [loss] = await outcome.loss.data();
      outcome.loss.dispose();
      const { scale, stepped } = await outcome.result.ready();
      const log = { step, loss: loss as number, scale, stepped };
      logs.push(log);
      onStep?.(log);
    }
  }
  return logs;
}

function drawBatch({ images, labels }: Digits, indices: Int32Array): { x: Tensor; y: Tensor } {
  const x = new Float32Array(indices.length * digitPixels);
  for (const [row, index] of indices.entries()) {
    for (let i = 0; i < digitPixels; i++) {
      x[row * digitPixels + i] = (images[index * digitPixels + i] as number) / digitLevels;
    }
  }
  const y = Int32Array.from(indices, (index) => labels[index] as number);
  return {
    x: fromHost(x, [indices.length, digitPixels], { dtype: 'float32' }),
    y: fromHost(y, [indices.length], { dtype: 'int32' }),
  };
}
