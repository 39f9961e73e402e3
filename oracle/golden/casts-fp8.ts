import type { Device } from '@halfgrad/core';
import { decodeBlob, decodeNumber, type GoldenBlob, type GoldenNumber, readJson } from '@halfgrad/testing';
import type { Claim } from '../compare.ts';
import { claimCast, loadStored, requireDType, storedAs, valuesOf } from '../formats/codes.ts';
import type { Case, Suite } from '../suite.ts';

type Numbers = GoldenBlob | readonly GoldenNumber[];

/** float32 numbers and their codes; PyTorch's saturate in e4m3fn, those of ml_dtypes never do (AMP.md D2.3). */
interface Conversions {
  readonly f32: Numbers;
  readonly torch_2_13_bits?: Numbers;
  readonly ml_dtypes_bits?: Numbers;
}

interface Format {
  readonly decode: readonly GoldenNumber[];
  readonly encode_hard?: Conversions;
  readonly encode_random?: Conversions;
}

const file = 'golden/casts_fp8.json';

export const castsFp8: Suite = {
  name: 'casts_fp8',
  source: "PyTorch 2.13's and ml_dtypes' conversions to floats of 8 bits and fewer",
  tolerance: 'exact, with both rules of overflow',
  files: [file],
  cases: () =>
    Object.entries(readJson<{ formats: Readonly<Record<string, Format>> }>(file).formats).flatMap(
      ([format, { decode, encode_hard, encode_random }]): Case[] => [
        { name: `decode every ${format}`, run: (device) => [decodeAll(format, decode, device)] },
        ...conversions(`hand-picked float32 to ${format}`, format, encode_hard),
        ...conversions(`random float32 to ${format}`, format, encode_random),
      ],
    ),
};

function decodeAll(format: string, decode: readonly GoldenNumber[], device: Device): Claim {
  const dtype = requireDType(format);
  const codes = Uint32Array.from(decode, (_, code) => code);
  return claimCast(loadStored(storedAs(dtype, codes), dtype, device), 'float64', decode.map(decodeNumber));
}

/** Whose casts saturate, in which formats. */
const saturating: Readonly<Record<string, readonly string[]>> = { torch: ['float8_e4m3fn'], ml_dtypes: [] };

function conversions(name: string, format: string, recorded: Conversions | undefined): Case[] {
  if (!recorded) return [];
  const { f32, torch_2_13_bits: torch, ml_dtypes_bits: mlDtypes } = recorded;
  return Object.entries({ torch, ml_dtypes: mlDtypes }).flatMap(([source, bits]): Case[] => {
    const saturate = saturating[source]?.includes(format) ?? false;
    const run = (device: Device): Claim[] => [encode(format, f32, bits as Numbers, saturate, device)];
    return bits ? [{ name: `${name} by ${source}`, run }] : [];
  });
}

function encode(format: string, f32: Numbers, bits: Numbers, saturate: boolean, device: Device): Claim {
  const dtype = requireDType(format);
  const input = loadStored(Float32Array.from(numbersOf(f32)), 'float32', device);
  return claimCast(input, dtype, valuesOf(dtype, numbersOf(bits)), { saturate });
}

function numbersOf(numbers: Numbers): ArrayLike<number> {
  if (Array.isArray(numbers)) return numbers.map(decodeNumber);
  const blob = numbers as GoldenBlob;
  // Blobs of float32 are read as the words they consist of.
  if (blob.dtype !== 'float32') return decodeBlob(blob);
  return new Float32Array(Uint32Array.from(decodeBlob({ ...blob, dtype: 'uint32' })).buffer);
}
