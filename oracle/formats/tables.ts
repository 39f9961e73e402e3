import { readdirSync } from 'node:fs';
import type { Device } from '@halfgrad/core';
import { decodeNumber, type GoldenNumber, readJson, sharedFile } from '@halfgrad/testing';
import type { Claim } from '../compare.ts';
import type { Case, Suite } from '../suite.ts';
import { claimCast, everyCode, loadStored, readBuffer, requireDType, storedAs, valuesOf } from './codes.ts';

const folder = 'suites/formats';

/** `decode_float16.f64.bin`, `encode_float16_from_f32.in.bin`: what a file holds is in its name. */
const kinds: readonly { readonly pattern: RegExp; readonly check: (format: string, device: Device) => Claim }[] = [
  { pattern: /^decode_(\w+)\.f64\.bin$/, check: decodeWide },
  { pattern: /^decode_(\w+)\.json$/, check: decodeNarrow },
  { pattern: /^encode_(\w+)_from_f32\.in\.bin$/, check: encode },
];

export const formatTables: Suite = {
  name: 'formats',
  source: 'Tables of every code, and of every number, midpoint and neighbour encoded',
  tolerance: 'exact',
  files: [folder],
  cases: () =>
    readdirSync(sharedFile(folder)).flatMap((file) =>
      kinds.flatMap(({ pattern, check }): Case[] => {
        const format = pattern.exec(file)?.[1];
        return format === undefined ? [] : [{ name: file, run: (device) => [check(format, device)] }];
      }),
    ),
};

function decodeWide(format: string, device: Device): Claim {
  const dtype = requireDType(format);
  const expected = new Float64Array(readBuffer(`${folder}/decode_${format}.f64.bin`));
  return claimCast(loadStored(storedAs(dtype, everyCode(16)), dtype, device), 'float64', expected);
}

function decodeNarrow(format: string, device: Device): Claim {
  const dtype = requireDType(format);
  const expected = readJson<readonly GoldenNumber[]>(`${folder}/decode_${format}.json`).map(decodeNumber);
  return claimCast(loadStored(storedAs(dtype, everyCode(8)), dtype, device), 'float64', expected);
}

function encode(format: string, device: Device): Claim {
  const dtype = requireDType(format);
  const input = new Float32Array(readBuffer(`${folder}/encode_${format}_from_f32.in.bin`));
  const codes = format.startsWith('float8')
    ? new Uint8Array(readBuffer(`${folder}/encode_${format}_from_f32.out.u8.bin`))
    : new Uint16Array(readBuffer(`${folder}/encode_${format}_from_f32.out.u16.bin`));
  return claimCast(loadStored(input, 'float32', device), dtype, valuesOf(dtype, codes));
}
