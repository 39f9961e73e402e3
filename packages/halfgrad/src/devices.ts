import { cpu } from '@halfgrad/backend-cpu';
import { wasm, wasmSupport } from '@halfgrad/backend-wasm';
import { type Device, type DType, dtypeNames, TensorError, zeros } from '@halfgrad/core';

/** The devices there are, fastest to open first. */
export const deviceNames = ['cpu', 'wasm', 'gpu'] as const;
export type DeviceName = (typeof deviceNames)[number];

const openers: { readonly [N in DeviceName]: () => Promise<Device> } = {
  cpu: async () => cpu,
  async wasm() {
    const { isSupported, reason } = wasmSupport();
    if (!isSupported) throw new TensorError('unsupported', `wasm: ${reason}. Use the device cpu instead.`);
    return wasm;
  },
  async gpu() {
    const { openGpu } = await importGpu();
    return openGpu();
  },
};

/**
 * A device by its name, ready for use.
 *
 * @throws TensorError `unsupported` with the reason and the way out.
 */
export function openDevice(name: DeviceName): Promise<Device> {
  return openers[name]();
}

/** What a device can do here, or why it cannot be used. */
export type DeviceReport =
  | {
      readonly name: DeviceName;
      readonly isAvailable: true;
      readonly dtypes: readonly DType[];
      readonly notes: readonly string[];
    }
  | { readonly name: DeviceName; readonly isAvailable: false; readonly reason: string };

/** Tries every device. */
export async function examineDevices(): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const name of deviceNames) reports.push(await examine(name));
  return reports;
}

async function examine(name: DeviceName): Promise<DeviceReport> {
  try {
    const device = await openDevice(name);
    return {
      name,
      isAvailable: true,
      dtypes: dtypeNames.filter((dtype) => holds(device, dtype)),
      notes: notesOn(name, device),
    };
  } catch (error) {
    if (!(error instanceof TensorError)) throw error;
    return { name, isAvailable: false, reason: error.message };
  }
}

function holds(device: Device, dtype: DType): boolean {
  try {
    zeros([1], { device, dtype }).dispose();
    return true;
  } catch {
    return false;
  }
}

function notesOn(name: DeviceName, device: Device): string[] {
  const notes: { readonly [N in DeviceName]: () => string } = {
    cpu: () => 'the reference: bit-exact, emulates 16-bit arithmetic',
    wasm: () => `SIMD${wasmSupport().hasRelaxedSimd ? ' with relaxed multiply-add' : ''}, one thread`,
    gpu: () => ('renderer' in device ? String(device.renderer) : 'WebGL 2'),
  };
  return [notes[name](), device.downloadSync ? 'can be read at once' : 'is read asynchronously: await x.data()'];
}

async function importGpu(): Promise<{ openGpu(): Promise<Device> }> {
  try {
    return await import('@halfgrad/backend-gpu');
  } catch (cause) {
    throw new TensorError(
      'unsupported',
      'gpu: the package @halfgrad/backend-gpu is not installed. npm install @halfgrad/backend-gpu',
      { cause },
    );
  }
}
