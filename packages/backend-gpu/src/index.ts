export { type GpuDevice, openGpu } from './device.ts';
export type { GpuBlock, GpuTensor } from './storage.ts';
