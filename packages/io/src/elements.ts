import { allocateHost, type DType, dtypes, type HostData, type Tensor, TensorError } from '@halfgrad/core';

/** What elements of a file can be: integers of 64 bits have no dtype here, and are read as int32 where they fit. */
export type ElementType = DType | 'int64';

export function bytesPerElement(type: ElementType): number {
  return type === 'int64' ? 8 : dtypes[type].bytes;
}

/** The dtype that elements are read as. */
export function dtypeOf(type: ElementType): DType {
  return type === 'int64' ? 'int32' : type;
}

/**
 * A copy of the elements in little-endian `bytes`, in the storage format of `dtypeOf(type)`. JavaScript engines run on
 * little-endian machines only.
 *
 * @param owner what errors say the elements belong to.
 * @throws TensorError `invalid-file` for a bool that is neither 0 nor 1; `unsupported` for an integer outside int32.
 */
export function decodeElements(bytes: Uint8Array, type: ElementType, owner: string): HostData {
  const data = allocateHost(type === 'int64' ? 'float64' : type, bytes.length / bytesPerElement(type));
  new Uint8Array(data.buffer).set(bytes);
  if (type === 'int64') return narrowIntegers(new Int32Array(data.buffer), owner);
  const wrong = type === 'bool' ? data.find((byte) => byte > 1) : undefined;
  if (wrong === undefined) return data;
  throw new TensorError('invalid-file', `${owner} has a bool of ${wrong}, which is neither 0 nor 1`);
}

/** The bytes of a tensor's elements as they are now. */
export async function encodeElements(tensor: Tensor, type: ElementType = tensor.dtype): Promise<Uint8Array> {
  const data = await tensor.device.download(tensor.storage);
  const stored = type === 'int64' ? widenIntegers(data) : data;
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

/** Integers of 64 bits as halves, the lower one first: they fit int32 when the upper half repeats the sign. */
function narrowIntegers(halves: Int32Array, owner: string): Int32Array {
  const narrow = new Int32Array(halves.length / 2);
  for (let i = 0; i < narrow.length; i++) {
    const [low, high] = [halves[2 * i] as number, halves[2 * i + 1] as number];
    if (high !== low >> 31) {
      const value = (BigInt(high) << 32n) | BigInt(low >>> 0);
      throw new TensorError('unsupported', `${owner} holds the integer ${value}, which does not fit int32`);
    }
    narrow[i] = low;
  }
  return narrow;
}

function widenIntegers(values: HostData): Int32Array {
  const halves = new Int32Array(2 * values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    halves[2 * i] = value;
    halves[2 * i + 1] = value >> 31;
  }
  return halves;
}
