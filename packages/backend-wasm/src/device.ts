import { kernels as reference } from '@halfgrad/backend-cpu';
import {
  type AnyKernel,
  type Device,
  type HostData,
  type Kernels,
  type OpName,
  type UpdateKernels,
  type UpdateName,
  updateTargets,
} from '@halfgrad/core';
import { Engine } from './engine.ts';
import { type AnyUpdate, fallbackKernel, fallbackUpdate } from './fallback.ts';
import { contractionKernels } from './kernels/contraction.ts';
import { elementwiseKernels } from './kernels/elementwise.ts';
import type { AnyFastKernel, AnyFastUpdate, FastKernels, FastUpdates } from './kernels/fast-kernel.ts';
import { movementKernels } from './kernels/movement.ts';
import { reductionKernels } from './kernels/reduction.ts';
import { softmaxKernels } from './kernels/softmax.ts';
import { updateKernels } from './kernels/updates.ts';
import type { WasmTensor } from './wasm-tensor.ts';

export interface WasmDeviceOptions {
  /** The most that its memory may grow to; all that 32-bit addresses reach by default. Memory is taken as it is needed. */
  readonly maximumBytes?: number;
  /**
   * Whether matrix products use relaxed SIMD where the engine has it. It rounds products and sums as the processor likes;
   * `'avoid'` gives the same bits on every machine, more slowly.
   */
  readonly relaxedSimd?: 'detect' | 'avoid';
}

/** The fast CPU: SIMD kernels in one linear memory, and the reference device's for whatever they leave out. */
export interface WasmDevice extends Device<WasmTensor> {
  /** How often each operation was left to the reference device, which is slow. */
  readonly fallbacks: ReadonlyMap<OpName | UpdateName, number>;
}

/**
 * A device with a memory of its own. Nothing is allocated or compiled before its first tensor.
 *
 * Its tensors are freed by `scope`, `using` and `dispose`; garbage collection is only the net below.
 */
export function createWasmDevice({
  maximumBytes = 2 ** 32,
  relaxedSimd = 'detect',
}: WasmDeviceOptions = {}): WasmDevice {
  const engine = new Engine({ maximumBytes, relaxedSimd });
  const fallbacks = new Map<OpName | UpdateName, number>();
  const count = (op: OpName | UpdateName): void => {
    fallbacks.set(op, (fallbacks.get(op) ?? 0) + 1);
  };
  const elements = (x: WasmTensor): HostData => engine.memory.elements(x).slice();
  return {
    name: 'wasm',
    kernels: createKernels(engine, count),
    updates: createUpdates(engine, count),
    upload(data, spec) {
      const created = engine.memory.create(spec);
      engine.memory.elements(created).set(data);
      return created;
    },
    download: async (storage) => elements(storage),
    downloadSync: elements,
    free: ({ block }) => engine.memory.free(block),
    memory: () => (engine.isStarted ? engine.memory.report() : { liveBytes: 0, peakBytes: 0, byDType: {} }),
    fallbacks,
  };
}

function createKernels(engine: Engine, count: (op: OpName) => void): Kernels<WasmTensor> {
  const fast: FastKernels = {
    ...movementKernels,
    ...elementwiseKernels(engine),
    ...contractionKernels(engine),
    ...reductionKernels(engine),
    ...softmaxKernels(engine),
  };
  const rows = (Object.keys(reference) as OpName[]).map((op) => {
    const fallback = fallbackKernel(engine, op);
    if (fallback === 'decomposed') return [op, fallback];
    const kernel: AnyKernel<WasmTensor> = (inputs, attrs, out) => {
      const result = (fast[op] as AnyFastKernel | undefined)?.(inputs, attrs, out);
      if (result !== undefined) return result;
      count(op);
      return fallback(inputs, attrs, out);
    };
    return [op, kernel];
  });
  return Object.fromEntries(rows) as Kernels<WasmTensor>;
}

function createUpdates(engine: Engine, count: (name: UpdateName) => void): UpdateKernels<WasmTensor> {
  const fast: FastUpdates = updateKernels(engine);
  const rows = (Object.keys(updateTargets) as UpdateName[]).map((name) => {
    const fallback = fallbackUpdate(engine, name);
    const update: AnyUpdate<WasmTensor> = (inputs, attrs) => {
      if ((fast[name] as AnyFastUpdate | undefined)?.(inputs, attrs) === 'done') return;
      count(name);
      fallback(inputs, attrs);
    };
    return [name, update];
  });
  return Object.fromEntries(rows) as UpdateKernels<WasmTensor>;
}
