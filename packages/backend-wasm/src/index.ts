import { createWasmDevice, type WasmDevice } from './device.ts';

export { createWasmDevice, type WasmDevice, type WasmDeviceOptions } from './device.ts';
export { type WasmSupport, wasmSupport } from './support.ts';
export type { WasmBlock, WasmTensor } from './wasm-tensor.ts';

/** The device that programs share. Costs nothing until its first tensor. */
export const wasm: WasmDevice = createWasmDevice();
