import { cpu, type HostTensor, kernels as reference } from '@halfgrad/backend-cpu';
import { type AnyKernel, leaves, mapLeaves, type OpName } from '@halfgrad/core';
import type { Runtime } from './runtime.ts';
import type { GpuTensor } from './storage.ts';

/** Runs the kernel of the reference device on what it reads back, which waits for the GPU. */
export function fallbackKernel(runtime: Runtime, op: OpName): AnyKernel<GpuTensor> {
  const kernel = reference[op] as AnyKernel<HostTensor>;
  return (inputs, attrs, out) => {
    const host = mapLeaves(inputs, (x) => cpu.upload(runtime.read(x), x));
    const results = kernel(host, attrs, out);
    const uploaded = mapLeaves(results, (x) => runtime.upload(x.block.data, x));
    for (const x of [...leaves(host), ...leaves(results)]) cpu.free(x);
    return uploaded;
  };
}
