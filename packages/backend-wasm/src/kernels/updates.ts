import { decodeValues, isHalf, sizeOf, type UpdateAttrs, type UpdateInputs } from '@halfgrad/core';
import type { Engine } from '../engine.ts';
import { fallbackUpdate } from '../fallback.ts';
import { isKernelDType, type KernelDType } from '../generate/formats.ts';
import { defineLerp } from '../generate/lerp.ts';
import { type AdamVariant, defineAdam, defineSgd, type SgdVariant } from '../generate/optimizer-steps.ts';
import { defineUnscale } from '../generate/unscale.ts';
import type { WasmTensor } from '../wasm-tensor.ts';
import { castElements } from './elementwise.ts';
import type { FastUpdates } from './fast-kernel.ts';

type Outcome = 'done' | 'declined';

/** The in-place operations on the float dtypes. Single numbers (flags, counters, scales) are read where they lie. */
export function updateKernels(engine: Engine): FastUpdates {
  const updateScale = fallbackUpdate(engine, 'updateScale');
  return {
    assign: (inputs) => assign(engine, inputs),
    lerp: (inputs, attrs) => lerp(engine, inputs, attrs),
    sgdStep: (inputs, attrs) => sgdStep(engine, inputs, attrs),
    adamStep: (inputs, attrs) => adamStep(engine, inputs, attrs),
    unscaleAndCheck: (inputs) => unscaleAndCheck(engine, inputs),
    updateScale(inputs, attrs) {
      // Four numbers: the reference's arithmetic on them is as fast as any kernel.
      updateScale(inputs, attrs);
      return 'done';
    },
  };
}

function assign(engine: Engine, { target, source, foundInf, noise }: UpdateInputs<'assign', WasmTensor>): Outcome {
  if (noise) return 'declined';
  if (isSet(engine, foundInf)) return 'done';
  const [from, to] = [source.block, target.block];
  if (source.dtype === target.dtype) {
    engine.memory.linear.copy(from.pointer, to.pointer, from.lease.bytes);
    return 'done';
  }
  if (!isKernelDType(source.dtype) || !isKernelDType(target.dtype)) return 'declined';
  castElements(engine, source.dtype, from.pointer, target.dtype, to.pointer, sizeOf(target.shape));
  return 'done';
}

function lerp(
  engine: Engine,
  { target, source }: UpdateInputs<'lerp', WasmTensor>,
  { weight }: UpdateAttrs<'lerp'>,
): Outcome {
  const count = sizeOf(target.shape);
  if (!isKernelDType(target.dtype) || !isKernelDType(source.dtype) || count === 0) return 'declined';
  const dtypes = { target: target.dtype, source: source.dtype };
  const { run } = engine.compiled(`lerp ${dtypes.target} ${dtypes.source}`, (module) => ({
    run: defineLerp(module, dtypes),
  }));
  run(target.block.pointer, source.block.pointer, weight, count);
  return 'done';
}

function sgdStep(
  engine: Engine,
  { param, grad, momentumBuffer, step, foundInf }: UpdateInputs<'sgdStep', WasmTensor>,
  { lr, weightDecay, maximize, momentum, dampening, nesterov }: UpdateAttrs<'sgdStep'>,
): Outcome {
  const count = sizeOf(param.shape);
  if (!isFast(param) || !isFast(grad) || !isFast(momentumBuffer) || !isCounter(step) || count === 0) return 'declined';
  if (isSet(engine, foundInf)) return 'done';
  const isFirst = step !== undefined && numberIn(engine, step) === 0;
  const variant: SgdVariant = {
    param: param.dtype,
    grad: grad.dtype,
    decays: weightDecay !== 0,
    momentum: momentumBuffer && { buffer: momentumBuffer.dtype, isFirst, nesterov },
  };
  const { run } = engine.compiled(`sgd ${JSON.stringify(variant)}`, (module) => ({ run: defineSgd(module, variant) }));
  const arrays = [param, grad, momentumBuffer].map(pointerOf);
  run(...arrays, count, maximize ? -1 : 1, weightDecay, lr, momentum, 1 - dampening);
  if (step) increment(engine, step);
  return 'done';
}

function adamStep(
  engine: Engine,
  { param, grad, expAvg, expAvgSq, maxExpAvgSq, step, foundInf }: UpdateInputs<'adamStep', WasmTensor>,
  { lr, weightDecay, maximize, beta1, beta2, eps, decoupled }: UpdateAttrs<'adamStep'>,
): Outcome {
  const count = sizeOf(param.shape);
  if (!isFast(param) || !isFast(grad) || !isFast(expAvg) || !isFast(expAvgSq) || !isFast(maxExpAvgSq))
    return 'declined';
  if (!isCounter(step) || count === 0) return 'declined';
  if (isSet(engine, foundInf)) return 'done';
  const t = increment(engine, step);
  const variant: AdamVariant = {
    param: param.dtype,
    grad: grad.dtype,
    expAvg: expAvg.dtype,
    expAvgSq: expAvgSq.dtype,
    maxExpAvgSq: maxExpAvgSq?.dtype,
    decays: !decoupled && weightDecay !== 0,
  };
  const { run } = engine.compiled(`adam ${JSON.stringify(variant)}`, (module) => ({
    run: defineAdam(module, variant),
  }));
  run(
    ...[param, grad, expAvg, expAvgSq, maxExpAvgSq].map(pointerOf),
    count,
    maximize ? -1 : 1,
    weightDecay,
    decoupled ? 1 - lr * weightDecay : 1,
    1 - beta1,
    beta2,
    1 - beta2,
    lr / (1 - beta1 ** t),
    Math.sqrt(1 - beta2 ** t),
    eps,
  );
  return 'done';
}

function unscaleAndCheck(
  engine: Engine,
  { grads, scale, foundInf }: UpdateInputs<'unscaleAndCheck', WasmTensor>,
): Outcome {
  if (!grads.every(isFast)) return 'declined';
  const inverse = Math.fround(1 / numberIn(engine, scale));
  let found = false;
  for (const grad of grads) {
    const { dtype } = grad;
    const count = sizeOf(grad.shape);
    if (count === 0) continue;
    const { run } = engine.compiled(`unscale ${dtype}`, (module) => ({ run: defineUnscale(module, dtype) }));
    if (run(grad.block.pointer, count, inverse) !== 0) found = true;
  }
  if (found) engine.memory.elements(foundInf)[0] = 1;
  return 'done';
}

/** A tensor of a dtype that kernels compute with. */
interface FastTensor extends WasmTensor {
  readonly dtype: KernelDType;
}

/** Also true of an optional tensor that is not there. */
function isFast<T extends WasmTensor | undefined>(tensor: T): tensor is T & (FastTensor | undefined) {
  return tensor === undefined || isKernelDType(tensor.dtype);
}

/** Whether a step counter, if there is one, can be counted up as it is stored. */
function isCounter(step: WasmTensor | undefined): boolean {
  return step === undefined || !isHalf(step.dtype);
}

/** The pointer of an array that a kernel may do without. */
function pointerOf(tensor: WasmTensor | undefined): number {
  return tensor ? tensor.block.pointer : 0;
}

function numberIn(engine: Engine, x: WasmTensor): number {
  return decodeValues(engine.memory.elements(x), x.dtype)[0] as number;
}

/** Whether a found-inf flag is up: anything but zero, NaN included. */
function isSet(engine: Engine, foundInf: WasmTensor | undefined): boolean {
  return foundInf !== undefined && numberIn(engine, foundInf) !== 0;
}

/** Counts a step, and gives the new count. */
function increment(engine: Engine, step: WasmTensor): number {
  const counter = engine.memory.elements(step);
  const next = (counter[0] as number) + 1;
  counter[0] = next;
  return next;
}
