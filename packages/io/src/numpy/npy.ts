import { type Device, fromHost, permute, sizeOf, type Tensor } from '@halfgrad/core';
import { bytesPerElement, decodeElements, dtypeOf, encodeElements } from '../elements.ts';
import { writeWhole } from '../open-whole.ts';
import { readWhole, type Source } from '../source.ts';
import { encodeNpyHeader, invalidNpy, parseNpyHeader } from './header.ts';

export interface NpyOptions {
  /** Defaults to the one set by `setDefaultDevice`. */
  readonly device?: Device;
}

/**
 * Reads an array that NumPy saved (`numpy.load`): bool, uint8, int32, float16, float32 and float64, and int64 into int32
 * where it fits; in either byte order and either order of elements.
 *
 * @throws TensorError `invalid-file` for a file that is not what its header says; `unsupported` for other elements.
 */
export async function loadNpy(source: Source, options?: NpyOptions): Promise<Tensor> {
  const { name, bytes } = await readWhole(source);
  return decodeNpy(bytes, name, options);
}

/**
 * The bytes of an `.npy` file with the tensor as it is now.
 *
 * @throws TensorError `unsupported` for bfloat16, which NumPy does not have.
 */
export async function encodeNpy(x: Tensor): Promise<Uint8Array> {
  const header = encodeNpyHeader(x.dtype, x.shape);
  const elements = await encodeElements(x);
  const bytes = new Uint8Array(header.length + elements.length);
  bytes.set(header);
  bytes.set(elements, header.length);
  return bytes;
}

/** Writes an `.npy` file, whole or not at all (`numpy.save`). See `encodeNpy`. */
export async function saveNpy(path: string, x: Tensor): Promise<void> {
  await writeWhole(path, await encodeNpy(x));
}

/** @param file what errors call the file. */
export function decodeNpy(bytes: Uint8Array, file: string, options?: NpyOptions): Tensor {
  const { type, isBigEndian, isFortranOrder, shape, dataStart } = parseNpyHeader(bytes, file);
  const width = bytesPerElement(type);
  const [found, expected] = [bytes.length - dataStart, sizeOf(shape) * width];
  if (found !== expected) {
    throw invalidNpy(file, `elements of ${type}[${shape}] take ${expected} bytes, but ${found} follow the header`);
  }
  const stored = bytes.subarray(dataStart);
  const data = decodeElements(isBigEndian ? swapped(stored, width) : stored, type, `npy: ${file}: the array`);
  const settings = { ...options, dtype: dtypeOf(type) };
  return isFortranOrder ? reversed(fromHost(data, shape.toReversed(), settings)) : fromHost(data, shape, settings);
}

/** Elements whose first index changes fastest are those of the reversed shape, read backwards. */
function reversed(stored: Tensor): Tensor {
  const result = permute(stored, Array.from(stored.shape, (_, dim) => dim).reverse());
  stored.dispose();
  return result;
}

/** Each element's bytes in the other order. */
function swapped(bytes: Uint8Array, width: number): Uint8Array {
  const result = bytes.slice();
  for (let start = 0; start < result.length; start += width) result.subarray(start, start + width).reverse();
  return result;
}
