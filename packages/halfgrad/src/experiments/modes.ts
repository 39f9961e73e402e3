import { type Precision, precision } from '@halfgrad/amp';
import { crossEntropy, noGrad, savedBytes, scope, type Tensor } from '@halfgrad/core';
import type { Module } from '@halfgrad/nn';
import { SGD } from '@halfgrad/optim';

/** The ways to train that are compared: float32, autocast with a scaler, and the recipe by hand. */
export const modeNames = ['none', 'automatic', 'manual'] as const;
export type ModeName = (typeof modeNames)[number];

export interface ModeSetup {
  /** In float32; the mode casts it as it needs. */
  readonly model: Module;
  readonly lr: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Multiplies the loss before backward and divides the gradients after, which changes nothing in exact arithmetic. */
  readonly lossFactor: number;
  /** `false` trains float16 without loss scaling, to see what it is for. */
  readonly lossScale: boolean;
}

/** What one training step reports. */
interface StepLog {
  readonly loss: number;
  readonly stepped: boolean;
  /** The loss scale that this step used; 1 without scaling. */
  readonly scale: number;
  readonly savedBytes: number;
}

/** Bytes that a mode holds between steps. */
export interface HeldBytes {
  readonly parameters: number;
  readonly gradients: number;
  readonly optimizerState: number;
}

export interface PrecisionMode {
  /** The module to switch between training and evaluation. */
  readonly model: Module;
  forward(images: Tensor): Tensor;
  step(images: Tensor, labels: Tensor): StepLog;
  heldBytes(): HeldBytes;
}

export const createMode: { readonly [M in ModeName]: (setup: ModeSetup) => PrecisionMode } = {
  none: (setup) => trainedIn(precision('32-true'), setup),
  automatic: (setup) => trainedIn(precision('16-mixed', { scaler: { enabled: setup.lossScale } }), setup),
  manual: (setup) => trainedIn(precision('manual-16', { scaler: { enabled: setup.lossScale } }), setup),
};

/** The loop of the tutorials, the same for every precision (AMP.md B10, E4, H4). */
function trainedIn({ prepare }: Precision, { model, lossFactor, lossScale: _, ...options }: ModeSetup): PrecisionMode {
  const training = prepare(model);
  const optimizer = new SGD(training.namedParameters(), options);
  const updated = training.namedParameters().map(([, parameter]) => parameter);

  return {
    model,
    forward: (images) => training.forward(images),
    step(images, labels) {
      return scope(() => {
        optimizer.zeroGrad();
        const loss = crossEntropy(training.forward(images), labels);
        const saved = totalBytes(savedBytes([loss]));
        training.backward(loss.mul(lossFactor));
        training.unscale(optimizer);
        multiplyGradients(updated, 1 / lossFactor);
        const { stepped, scale } = training.step(optimizer);
        return { loss: loss.item(), stepped, scale, savedBytes: saved };
      });
    },
    heldBytes: () => ({
      parameters: bytesOf(new Set([...model.parameters(), ...updated])),
      gradients: bytesOf(updated.flatMap(({ grad }) => grad ?? [])),
      optimizerState: stateBytes(optimizer),
    }),
  };
}

function multiplyGradients(parameters: readonly Tensor[], factor: number): void {
  if (factor === 1) return;
  for (const parameter of parameters) parameter.grad = parameter.grad && noGrad(() => parameter.grad?.mul(factor));
}

function bytesOf(tensors: Iterable<Tensor>): number {
  return Array.from(tensors).reduce((total, { bytes }) => total + bytes, 0);
}

function stateBytes({ state }: SGD): number {
  return bytesOf(Array.from(state.values()).flatMap((entry) => Object.values(entry)));
}

function totalBytes(byDType: Readonly<Record<string, number>>): number {
  return Object.values(byDType).reduce((a, b) => a + b, 0);
}
