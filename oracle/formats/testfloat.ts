import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { add, type Device, type DType, type HostData, mul, type Tensor } from '@halfgrad/core';
import { sharedFile } from '@halfgrad/testing';
import { type Claim, claim, exactly } from '../compare.ts';
import type { Suite } from '../suite.ts';
import { claimCast, loadStored, storedAs, valuesOf } from './codes.ts';

/** Operands and results as words in hexadecimal; the flags of the last column are left out. */
type Columns = readonly (readonly string[])[];

const cast =
  (from: DType, to: DType) =>
  ([input = [], result = []]: Columns, device: Device): Claim =>
    claimCast(loadStored(wordsAs(from, input), from, device), to, decode(to, result));

const operation =
  (name: string, op: (a: Tensor, b: Tensor) => Tensor) =>
  ([left = [], right = [], result = []]: Columns, device: Device): Claim => {
    const [a, b] = [left, right].map((hex) => loadStored(wordsAs('float16', hex), 'float16', device));
    const expected = { dtype: 'float16', shape: [result.length], values: decode('float16', result) } as const;
    return claim(name, op(a as Tensor, b as Tensor), expected, exactly);
  };

const checks: Readonly<Record<string, (columns: Columns, device: Device) => Claim>> = {
  'f32_to_f16.level2': cast('float32', 'float16'),
  'f32_to_bf16.level2': cast('float32', 'bfloat16'),
  'f16_to_f32.level2': cast('float16', 'float32'),
  'f16_to_f64.level2': cast('float16', 'float64'),
  'bf16_to_f32.level2': cast('bfloat16', 'float32'),
  'f16_add.level1': operation('add', add),
  'f16_mul.level1': operation('mul', mul),
};

const folder = 'suites/testfloat';

export const testFloat: Suite = {
  name: 'testfloat',
  source: 'Berkeley TestFloat vectors',
  tolerance: 'exact',
  files: [folder],
  cases: () =>
    Object.entries(checks).map(([name, check]) => ({
      name,
      run: (device) => [check(readColumns(`${folder}/${name}.txt.gz`), device)],
    })),
};

function readColumns(path: string): Columns {
  const rows = gunzipSync(readFileSync(sharedFile(path)))
    .toString()
    .trim()
    .split('\n');
  const cells = rows.map((row) => row.split(' ').slice(0, -1));
  return (cells[0] ?? []).map((_, column) => cells.map((row) => row[column] as string));
}

/** Words as elements of a dtype of their width. */
function wordsAs(dtype: DType, hex: readonly string[]): HostData {
  const words = hex.map((digits) => Number.parseInt(digits, 16));
  if (dtype === 'float32') return new Float32Array(Uint32Array.from(words).buffer);
  if (dtype === 'float64') return new Float64Array(BigUint64Array.from(hex, (digits) => BigInt(`0x${digits}`)).buffer);
  return storedAs(dtype, words);
}

function decode(dtype: DType, hex: readonly string[]): ArrayLike<number> {
  const stored = wordsAs(dtype, hex);
  return dtype === 'float32' || dtype === 'float64' ? stored : valuesOf(dtype, stored);
}
