export { cpu } from './device.ts';
export type { ReductionOrder } from './emulate/accumulate.ts';
export { type ArithmeticPolicy, emulate, emulatedFormats } from './emulate/emulate.ts';
export { createRounder, type EmulatedFormat, type Rounder, type Rounding } from './emulate/rounding.ts';
export type { HostBlock, HostTensor } from './host-tensor.ts';
export { kernels } from './kernels/index.ts';
export { updates } from './updates.ts';
