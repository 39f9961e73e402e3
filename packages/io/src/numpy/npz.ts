import { type Tensor, TensorError } from '@halfgrad/core';
import { zipSync } from 'fflate';
import { writeWhole } from '../open-whole.ts';
import { readWhole, type Source } from '../source.ts';
import { show } from '../untrusted.ts';
import { decodeNpy, encodeNpy, type NpyOptions } from './npy.ts';
import { readZip } from './zip.ts';

export interface NpzOptions {
  /** `deflate` makes smaller files, as `numpy.savez_compressed` does. */
  readonly compression?: 'none' | 'deflate';
}

const suffix = '.npy';

/** Reads the arrays of an `.npz` file by name, as `loadNpy` reads each. */
export async function loadNpz(source: Source, options?: NpyOptions): Promise<Record<string, Tensor>> {
  const { name, bytes } = await readWhole(source);
  const files = [...readZip(bytes, name)];
  const other = files.find(([file]) => !file.endsWith(suffix));
  if (other) throw new TensorError('invalid-file', `npz: ${name}: ${show(other[0])} in it is not an array`);
  return Object.fromEntries(
    files.map(([file, array]) => [file.slice(0, -suffix.length), decodeNpy(array, `${name}: ${show(file)}`, options)]),
  );
}

/**
 * The bytes of an `.npz` file with the tensors as they are now (`numpy.savez`). The same tensors give the same bytes.
 *
 * @throws TensorError `unsupported` for bfloat16, which NumPy does not have.
 */
export async function encodeNpz(
  tensors: Readonly<Record<string, Tensor>>,
  { compression = 'none' }: NpzOptions = {},
): Promise<Uint8Array> {
  const names = Object.keys(tensors);
  const arrays = await Promise.all(Object.values(tensors).map(encodeNpy));
  const files = Object.fromEntries(names.map((name, i) => [name + suffix, arrays[i] as Uint8Array]));
  return zipSync(files, { level: compression === 'none' ? 0 : 6, mtime: earliestZipDate });
}

/** Writes an `.npz` file, whole or not at all. See `encodeNpz`. */
export async function saveNpz(
  path: string,
  tensors: Readonly<Record<string, Tensor>>,
  options?: NpzOptions,
): Promise<void> {
  await writeWhole(path, await encodeNpz(tensors, options));
}

/** Archives keep local time, so that this is the same moment everywhere. */
const earliestZipDate = new Date(1980, 0, 1);
