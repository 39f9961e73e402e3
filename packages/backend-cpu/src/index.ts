export { cpu } from './device.ts';
export type { HostBlock, HostTensor } from './host-tensor.ts';
export { kernels } from './kernels/index.ts';
export { updates } from './updates.ts';
