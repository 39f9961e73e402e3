import { manualSeed, noGrad, scope } from '@halfgrad/core';
import { type Batch, DataLoader, type ImageDataset } from '@halfgrad/data';
import { confusionMatrix, correctness } from '@halfgrad/metrics';
import { type Module, mlp, ResNet, SmallCnn } from '@halfgrad/nn';
import type { EpochLog, RunResult } from './comparison.ts';
import type { ExperimentData } from './load-data.ts';
import { createMode, type ModeName, type PrecisionMode } from './modes.ts';

/** The models that the command can train, by name. */
export const modelNames = ['small-cnn', 'resnet8', 'resnet20', 'mlp'] as const;
export type ModelName = (typeof modelNames)[number];

const createModel: { readonly [M in ModelName]: () => Module } = {
  'small-cnn': () => new SmallCnn({ width: 8 }),
  resnet8: () => new ResNet({ depth: 8 }),
  resnet20: () => new ResNet({ depth: 20 }),
  mlp: () => mlp([3 * 32 * 32, 128, 10]),
};

export interface TrainOptions {
  readonly model: ModelName;
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  readonly lossFactor: number;
  readonly lossScale: boolean;
}

/** Where a run stands, after every step. */
export interface Progress {
  readonly mode: ModeName;
  readonly seed: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
}

export interface Listeners {
  onStep(progress: Progress): void;
  onEpoch(log: EpochLog): void;
}

/** Trains one mode from one seed, then evaluates it. The same seed gives every mode the same weights and the same batches. */
export function trainAndEvaluate(
  modeName: ModeName,
  seed: number,
  data: ExperimentData,
  options: TrainOptions,
  { onStep, onEpoch }: Listeners,
): RunResult {
  manualSeed(seed);
  const mode = createMode[modeName]({ ...options, model: createModel[options.model]() });
  const loader = new DataLoader(data.train, {
    batchSize: options.batch,
    shuffle: true,
    seed,
  });
  let savedActivations = 0;
  const start = performance.now();
  const epochs = Array.from({ length: options.epochs }, (_, i): EpochLog => {
    const place = { mode: modeName, seed, epoch: i + 1, epochs: options.epochs };
    const epoch = trainEpoch(mode, loader, (step, loss) => onStep({ ...place, step, steps: loader.length, loss }));
    savedActivations = Math.max(savedActivations, epoch.savedBytes);
    const log = { ...place, ...epoch.log };
    onEpoch(log);
    return log;
  });
  const trainSeconds = secondsSince(start);
  const evalStart = performance.now();
  const predictions = predict(mode, data.test, options.batch);
  const evalSeconds = secondsSince(evalStart);
  const targets = data.test.images.labels;
  return {
    mode: modeName,
    seed,
    epochs,
    trainSeconds,
    evalSeconds,
    bytes: { ...mode.heldBytes(), savedActivations },
    predictions,
    confusion: confusionMatrix(predictions, targets, data.classes.length),
    correct: correctness(predictions, targets),
  };
}

interface Epoch {
  readonly log: Omit<EpochLog, 'mode' | 'seed' | 'epoch' | 'epochs'>;
  readonly savedBytes: number;
}

function trainEpoch(
  mode: PrecisionMode,
  loader: DataLoader<Batch>,
  onStep: (step: number, loss: number) => void,
): Epoch {
  mode.model.train();
  const start = performance.now();
  let [steps, images, lossSum, skippedSteps, scale, savedBytes] = [0, 0, 0, 0, 1, 0];
  for (const { x, y } of loader) {
    const step = mode.step(x, y);
    steps++;
    images += y.size;
    lossSum += step.loss;
    if (!step.stepped) skippedSteps++;
    ({ scale } = step);
    savedBytes = Math.max(savedBytes, step.savedBytes);
    onStep(steps, step.loss);
    x.dispose();
    y.dispose();
  }
  const imagesPerSecond = images / secondsSince(start);
  return { log: { loss: lossSum / steps, imagesPerSecond, scale, skippedSteps, steps }, savedBytes };
}

/** The class with the largest logit for each example, in order. */
function predict(mode: PrecisionMode, test: ImageDataset, batchSize: number): number[] {
  mode.model.eval();
  const predictions: number[] = [];
  for (const { x, y } of new DataLoader(test, { batchSize })) {
    predictions.push(...noGrad(() => scope(() => mode.forward(x).argmax(1).dataSync())));
    x.dispose();
    y.dispose();
  }
  return predictions;
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
