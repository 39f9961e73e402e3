import { readFileSync } from 'node:fs';
import {
  allocateHost,
  cast,
  type Device,
  type DType,
  decodeValues,
  fromHost,
  type HostData,
  isDType,
  type Overflow,
  type Tensor,
  type Values,
} from '@halfgrad/core';
import { sharedFile } from '@halfgrad/testing';
import { type Claim, claim, exactly } from '../compare.ts';
import { Missing } from '../suite.ts';

/** @throws Missing for a format that is no dtype of the library. */
export function requireDType(name: string): DType {
  if (!isDType(name)) throw new Missing(`dtype ${name}`);
  return name;
}

/** Elements in the storage format of a dtype. */
export function storedAs(dtype: DType, codes: ArrayLike<number>): HostData {
  const data = allocateHost(dtype, codes.length);
  data.set(codes);
  return data;
}

/** What codes of a dtype mean. */
export function valuesOf(dtype: DType, codes: ArrayLike<number>): Values {
  return decodeValues(storedAs(dtype, codes), dtype);
}

export function loadStored(data: HostData, dtype: DType, device: Device): Tensor {
  return fromHost(data, [data.length], { dtype, device });
}

/** Casts from one format to another; NaN payloads are not compared (AMP.md D2.1). */
export function claimCast(x: Tensor, to: DType, expected: ArrayLike<number>, overflow: Overflow = {}): Claim {
  return claim(`${x.dtype} to ${to}`, cast(x, to, overflow), { dtype: to, shape: x.shape, values: expected }, exactly);
}

/** A file of the shared folder, aligned for any typed array. */
export function readBuffer(path: string): ArrayBuffer {
  return Uint8Array.from(readFileSync(sharedFile(path))).buffer;
}

/** Every code of so many bits. */
export function everyCode(bits: number): Uint32Array {
  return Uint32Array.from({ length: 2 ** bits }, (_, code) => code);
}
