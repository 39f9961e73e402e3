import { cpu } from '@halfgrad/backend-cpu';
import { wasm } from '@halfgrad/backend-wasm';
import type { Device } from '@halfgrad/core';

/** The devices that the suites run on, by the names of the command line. */
export const devices: Readonly<Record<string, () => Device | Promise<Device>>> = {
  cpu: () => cpu,
  wasm: () => wasm,
  gpu: async () => (await import('@halfgrad/backend-gpu')).openGpu(),
};
