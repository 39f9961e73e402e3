import { autocast, GradScaler } from '@halfgrad/amp';
import { crossEntropy, noGrad, savedBytes, scope, type Tensor, update } from '@halfgrad/core';
import { type AnyModule, BatchNorm, copyModule, type Module } from '@halfgrad/nn';
import { SGD } from '@halfgrad/optim';

/** The ways to train that are compared: float32, autocast with a scaler, and the recipe by hand. */
export const modeNames = ['none', 'automatic', 'manual'] as const;
export type ModeName = (typeof modeNames)[number];

export interface ModeSetup {
  /** In float32; the mode trains it, or a copy of it. */
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
  none: (setup) => withSwitch(setup, false),
  automatic: (setup) => withSwitch(setup, true),
  manual,
};

/** The loop of the tutorials: one `useAmp` switch drives the region and the scaler (AMP.md B10, H4). */
function withSwitch({ model, lossFactor, lossScale, ...options }: ModeSetup, useAmp: boolean): PrecisionMode {
  const optimizer = new SGD(model.namedParameters(), options);
  const scaler = new GradScaler({ enabled: useAmp && lossScale });
  const forward = (images: Tensor): Tensor =>
    autocast({ dtype: 'float16', enabled: useAmp }, () => model.forward(images));

  return {
    model,
    forward,
    step(images, labels) {
      return scope(() => {
        optimizer.zeroGrad();
        const loss = autocast({ dtype: 'float16', enabled: useAmp }, () => crossEntropy(model.forward(images), labels));
        const saved = totalBytes(savedBytes([loss]));
        scaler.scale(loss.mul(lossFactor)).backward();
        scaler.unscale(optimizer);
        multiplyGradients(model.parameters(), 1 / lossFactor);
        const { stepped, scale } = scaler.step(optimizer);
        scaler.update();
        return { loss: loss.item(), stepped, scale, savedBytes: saved };
      });
    },
    heldBytes: () => ({
      parameters: bytesOf(model.parameters()),
      gradients: gradientBytes(model.parameters()),
      optimizerState: stateBytes(optimizer),
    }),
  };
}

/**
 * Mixed precision by hand (Micikevicius et al. 2018; Apex O2, AMP.md E4): a float16 copy of the model except its batch
 * norms does the work, float32 master weights are what the optimizer updates, and both are kept in step.
 */
function manual({ model, lossFactor, lossScale, ...options }: ModeSetup): PrecisionMode {
  const half = copyModule(model).to('float16', { except: isBatchNorm });
  const pairs = half.parameters().map((copy, i) => ({ copy, master: model.parameters()[i] as Tensor }));
  const optimizer = new SGD(model.namedParameters(), options);
  const scaler = new GradScaler({ enabled: lossScale });
  const forward = (images: Tensor): Tensor => half.forward(images.to('float16')).to('float32');

  return {
    model: half,
    forward,
    step(images, labels) {
      return scope(() => {
        half.zeroGrad();
        const loss = crossEntropy(forward(images), labels);
        const saved = totalBytes(savedBytes([loss]));
        scaler.scale(loss.mul(lossFactor)).backward();
        for (const { copy, master } of pairs) master.grad = copy.grad && noGrad(() => copy.grad?.to('float32'));
        scaler.unscale(optimizer);
        multiplyGradients(model.parameters(), 1 / lossFactor);
        const { stepped, scale } = scaler.step(optimizer);
        scaler.update();
        for (const { copy, master } of pairs) update('assign', { target: copy, source: master });
        optimizer.zeroGrad();
        return { loss: loss.item(), stepped, scale, savedBytes: saved };
      });
    },
    heldBytes: () => ({
      parameters: bytesOf(half.parameters()) + bytesOf(model.parameters()),
      gradients: gradientBytes(half.parameters()),
      optimizerState: stateBytes(optimizer),
    }),
  };
}

function isBatchNorm(module: AnyModule): boolean {
  return module instanceof BatchNorm;
}

function multiplyGradients(parameters: readonly Tensor[], factor: number): void {
  if (factor === 1) return;
  for (const parameter of parameters) parameter.grad = parameter.grad && noGrad(() => parameter.grad?.mul(factor));
}

function bytesOf(tensors: Iterable<Tensor>): number {
  return Array.from(tensors).reduce((total, { bytes }) => total + bytes, 0);
}

function gradientBytes(parameters: readonly Tensor[]): number {
  return bytesOf(parameters.flatMap(({ grad }) => grad ?? []));
}

function stateBytes({ state }: SGD): number {
  return bytesOf(Array.from(state.values()).flatMap((entry) => Object.values(entry)));
}

function totalBytes(byDType: Readonly<Record<string, number>>): number {
  return Object.values(byDType).reduce((a, b) => a + b, 0);
}
