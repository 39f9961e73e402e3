import { createHash } from 'node:crypto';
import { cast, type Device, type HalfDType, tensor } from '@halfgrad/core';
import { decodeBlob, decodeNumber, type GoldenBlob, type GoldenNumber, readJson } from '@halfgrad/testing';
import { type Claim, claim, exactly, expectEqual } from '../compare.ts';
import { claimCast, everyCode, loadStored, storedAs, valuesOf } from '../formats/codes.ts';
import type { Case, Suite } from '../suite.ts';

interface GoldenCasts {
  readonly hard: readonly { readonly f32: string; readonly f16: string; readonly bf16: string }[];
  readonly random: { readonly f32: GoldenBlob; readonly f16: GoldenBlob; readonly bf16: GoldenBlob };
  readonly exhaustive_widen: { readonly f16_sha256: string; readonly bf16_sha256: string };
  readonly f64_inputs: readonly {
    readonly f64: number;
    readonly torch_f16: GoldenNumber;
    readonly torch_bf16: GoldenNumber;
  }[];
}

const file = 'golden/casts_16bit.json';
const halves: readonly HalfDType[] = ['float16', 'bfloat16'];
const short = { float16: 'f16', bfloat16: 'bf16' } as const;

export const casts16Bit: Suite = {
  name: 'casts_16bit',
  source: "PyTorch's conversions to float16 and bfloat16",
  tolerance: 'exact',
  files: [file],
  cases() {
    const golden = readJson<GoldenCasts>(file);
    return halves.flatMap((dtype): Case[] => [
      { name: `hand-picked float32 to ${dtype}`, run: (device) => narrowHard(golden, dtype, device) },
      { name: `random float32 to ${dtype}`, run: (device) => narrowRandom(golden, dtype, device) },
      { name: `every ${dtype} to float32`, run: (device) => widenAll(golden, dtype, device) },
      { name: `float64 to ${dtype}, through float32`, run: (device) => narrowDoubles(golden, dtype, device) },
    ]);
  },
};

function narrow(words: ArrayLike<number>, codes: ArrayLike<number>, dtype: HalfDType, device: Device): Claim[] {
  const values = new Float32Array(Uint32Array.from(words).buffer);
  return [claimCast(loadStored(values, 'float32', device), dtype, valuesOf(dtype, codes))];
}

function narrowHard({ hard }: GoldenCasts, dtype: HalfDType, device: Device): Claim[] {
  const codes = hard.map((row) => Number(row[short[dtype]]));
  return narrow(
    hard.map(({ f32 }) => Number(f32)),
    codes,
    dtype,
    device,
  );
}

function narrowRandom({ random }: GoldenCasts, dtype: HalfDType, device: Device): Claim[] {
  return narrow(decodeBlob(random.f32), decodeBlob(random[short[dtype]]), dtype, device);
}

/** All words at once, by their hash; every NaN counts as one. */
function widenAll({ exhaustive_widen }: GoldenCasts, dtype: HalfDType, device: Device): Claim[] {
  const wide = cast(loadStored(storedAs(dtype, everyCode(16)), dtype, device), 'float32');
  return [
    {
      actual: wide,
      check(values) {
        const floats = Float32Array.from(values);
        const words = new Uint32Array(floats.buffer).map((word, i) => (Number.isNaN(floats[i]) ? 0x7fc0_0000 : word));
        const hash = createHash('sha256').update(words).digest('hex');
        expectEqual('sha256', hash, exhaustive_widen[`${short[dtype]}_sha256`]);
      },
    },
  ];
}

function narrowDoubles({ f64_inputs }: GoldenCasts, dtype: HalfDType, device: Device): Claim[] {
  const values = Float64Array.from(f64_inputs, ({ f64 }) => f64);
  const expected = f64_inputs.map((row) => decodeNumber(row[`torch_${short[dtype]}`]));
  const given = { dtype, shape: [values.length], values: expected };
  return [
    claimCast(loadStored(values, 'float64', device), dtype, expected),
    claim('tensor()', tensor(values, { dtype, device }), given, exactly),
  ];
}
