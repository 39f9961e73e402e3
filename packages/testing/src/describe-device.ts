import { type Device, TensorError } from '@halfgrad/core';
import { describe, test } from 'vitest';

/**
 * A vitest `describe` for a device that not every machine has: skipped, with a line that says why, where it cannot be
 * opened, unless `HALFGRAD_SKIP=nothing` forbids it.
 */
export async function describeDevice<D extends Device>(
  name: string,
  open: () => Promise<D>,
  body: (device: D) => void,
): Promise<void> {
  try {
    const device = await open();
    describe(name, () => body(device));
  } catch (error) {
    if (!(error instanceof TensorError && error.code === 'unsupported') || mayNotSkip()) throw error;
    console.log(`skipped "${name}": ${error.message}`);
    describe.skip(name, () => test(`needs the device: ${error.message}`, () => {}));
  }
}

function mayNotSkip(): boolean {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.['HALFGRAD_SKIP'] === 'nothing';
}
