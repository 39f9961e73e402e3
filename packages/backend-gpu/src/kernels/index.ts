import { kernels as reference } from '@halfgrad/backend-cpu';
import { type AnyKernel, decompositions, type Kernels, type OpName, TensorError } from '@halfgrad/core';
import { fallbackKernel } from '../fallback.ts';
import type { Runtime } from '../runtime.ts';
import type { GpuTensor } from '../storage.ts';
import type { Attempts } from './attempt.ts';
import { elementwiseOps } from './elementwise-ops.ts';
import { indexingOps } from './indexing.ts';
import { matmulOps } from './matmul.ts';
import { movementOps } from './movement.ts';
import { reductionOps } from './reduction.ts';

/** Every op: on the GPU, else as its decomposition, else by the reference device, which `onFallback` is told. */
export function createKernels(runtime: Runtime, onFallback: (op: OpName) => void): Kernels<GpuTensor> {
  const attempts = attemptsOf(runtime);
  const rows = (Object.keys(reference) as OpName[]).map((op) => {
    const attempt = attempts[op] as AnyAttempt | undefined;
    if (!attempt && Object.hasOwn(decompositions, op)) return [op, 'decomposed'];
    const fallback = fallbackKernel(runtime, op);
    const kernel: AnyKernel<GpuTensor> = (inputs, attrs, out) => {
      const result = attempt?.(inputs, attrs, out);
      if (result !== undefined) return result;
      onFallback(op);
      return fallback(inputs, attrs, out);
    };
    return [op, kernel];
  });
  return Object.fromEntries(rows) as Kernels<GpuTensor>;
}

function attemptsOf(runtime: Runtime): Attempts {
  return {
    ...elementwiseOps(runtime),
    ...movementOps(runtime),
    ...indexingOps(runtime),
    ...reductionOps(runtime),
    ...matmulOps(runtime),
  };
}

/** The ops that have a kernel here, known without opening a GPU: kernels touch it only when they run. */
export function gpuKernelNames(): readonly OpName[] {
  return Object.keys(attemptsOf(new Proxy({}, { get: refuse }) as Runtime)) as OpName[];
}

function refuse(): never {
  throw new TensorError('no-device', 'gpu: no GPU is open. Use await openGpu().');
}

type AnyAttempt = (...args: Parameters<AnyKernel<GpuTensor>>) => ReturnType<AnyKernel<GpuTensor>> | undefined;
