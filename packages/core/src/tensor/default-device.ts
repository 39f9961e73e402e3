import { TensorError } from '../spec/errors.ts';
import type { Device } from './device.ts';

let current: Device | undefined;

/** The device of new tensors that are not given one; the umbrella package sets it. */
export function setDefaultDevice(device: Device): void {
  current = device;
}

/** @throws TensorError `no-device` before any was set. */
export function defaultDevice(): Device {
  if (!current) {
    throw new TensorError(
      'no-device',
      "no default device. Import 'halfgrad', or call setDefaultDevice(cpu) from a backend package.",
    );
  }
  return current;
}
