export { type GpuDevice, openGpu } from './device.ts';
export { gpuKernelNames } from './kernels/index.ts';
export type { GpuBlock, GpuTensor } from './storage.ts';
