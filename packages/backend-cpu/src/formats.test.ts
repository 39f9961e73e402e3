import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  add,
  cast,
  type DType,
  finfo,
  fromHost,
  type HalfDType,
  type HostData,
  isFloat,
  mul,
  type Tensor,
  tensor,
} from '@halfgrad/core';
import {
  decodeBlob,
  decodeNumber,
  describeShared,
  type GoldenBlob,
  type GoldenNumber,
  readJson,
  sharedFile,
} from '@halfgrad/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpu } from './index.ts';

const halves: readonly HalfDType[] = ['float16', 'bfloat16'];

/** A tensor of raw elements, through the device and back. */
function load(data: HostData, dtype: DType): Tensor {
  return fromHost(data, [data.length], { dtype, device: cpu });
}

function rawOf(x: Tensor): HostData {
  return x.device.downloadSync?.(x.storage) ?? new Uint8Array();
}

/** The 16-bit patterns with all NaNs made one: their payload is not specified (AMP.md D2.1). */
function canonical(bits: ArrayLike<number>, dtype: HalfDType): number[] {
  const infinity = dtype === 'float16' ? 0x7c00 : 0x7f80;
  return Array.from(bits, (b) => ((b & 0x7fff) > infinity ? -1 : b));
}

/** Float32 patterns that the device narrows to 16 bits. */
function narrow(words: ArrayLike<number>, dtype: HalfDType): number[] {
  const values = new Float32Array(Uint32Array.from(words).buffer);
  return canonical(Array.from(rawOf(cast(load(values, 'float32'), dtype))), dtype);
}

/** 16-bit patterns that the device widens. */
function widen(bits: ArrayLike<number>, dtype: HalfDType, to: 'float32' | 'float64'): HostData {
  return rawOf(cast(load(Uint16Array.from(bits), dtype), to));
}

const allBits = Uint16Array.from({ length: 0x1_0000 }, (_, bits) => bits);

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

describeShared("casts are PyTorch's, bit by bit", ['golden/casts_16bit.json'], () => {
  const golden = readJson<GoldenCasts>('golden/casts_16bit.json');
  const short = { float16: 'f16', bfloat16: 'bf16' } as const;

  test.each(halves)('hand-picked float32 to %s', (dtype) => {
    const words = golden.hard.map(({ f32 }) => Number(f32));
    const expected = golden.hard.map((row) => Number(row[short[dtype]]));
    expect(narrow(words, dtype)).toEqual(canonical(expected, dtype));
  });

  test.each(halves)('random float32 to %s', (dtype) => {
    const expected = decodeBlob(golden.random[short[dtype]]);
    expect(narrow(decodeBlob(golden.random.f32), dtype)).toEqual(canonical(expected, dtype));
  });

  test.each(halves)('every %s to float32', (dtype) => {
    const values = widen(allBits, dtype, 'float32');
    const words = new Uint32Array(values.buffer).map((word, i) => (Number.isNaN(values[i]) ? 0x7fc0_0000 : word));
    expect(createHash('sha256').update(words).digest('hex')).toBe(golden.exhaustive_widen[`${short[dtype]}_sha256`]);
  });

  test.each(halves)('float64 to %s passes through float32', (dtype) => {
    const values = Float64Array.from(golden.f64_inputs, ({ f64 }) => f64);
    const expected = golden.f64_inputs.map((row) => decodeNumber(row[`torch_${short[dtype]}`]));
    expect([...cast(load(values, 'float64'), dtype).dataSync()]).toEqual(expected);
    expect([...tensor([...values], { dtype, device: cpu }).dataSync()]).toEqual(expected);
  });
});

describe.each(halves)('the published tables of %s', (dtype) => {
  const [decoded, input, output] = [
    `suites/formats/decode_${dtype}.f64.bin`,
    `suites/formats/encode_${dtype}_from_f32.in.bin`,
    `suites/formats/encode_${dtype}_from_f32.out.u16.bin`,
  ] as const;

  describeShared('decoding', [decoded], () => {
    test('of every pattern', () => {
      const values = new Float64Array(fileBuffer(decoded));
      expect(widen(allBits, dtype, 'float64')).toEqual(values);
    });
  });

  describeShared('encoding', [input, output], () => {
    test('of every number, midpoint and neighbour', () => {
      const expected = new Uint16Array(fileBuffer(output));
      expect(narrow(new Uint32Array(fileBuffer(input)), dtype)).toEqual(canonical(expected, dtype));
    });
  });
});

function fileBuffer(path: string): ArrayBuffer {
  return Uint8Array.from(readFileSync(sharedFile(path))).buffer;
}

const testFloat = {
  toFloat16: 'suites/testfloat/f32_to_f16.level2.txt.gz',
  toBfloat16: 'suites/testfloat/f32_to_bf16.level2.txt.gz',
  fromFloat16: 'suites/testfloat/f16_to_f32.level2.txt.gz',
  fromFloat16To64: 'suites/testfloat/f16_to_f64.level2.txt.gz',
  fromBfloat16: 'suites/testfloat/bf16_to_f32.level2.txt.gz',
  add: 'suites/testfloat/f16_add.level1.txt.gz',
  mul: 'suites/testfloat/f16_mul.level1.txt.gz',
} as const;

/** The columns of a file: operands and the result; the last one, flags that we do not have, is left out. */
function readTestFloat(path: string): string[][] {
  const rows = gunzipSync(readFileSync(sharedFile(path)))
    .toString()
    .trim()
    .split('\n');
  const cells = rows.map((row) => row.split(' ').slice(0, -1));
  return (cells[0] ?? []).map((_, column) => cells.map((row) => row[column] ?? ''));
}

function words(digits: readonly string[] | undefined): number[] {
  return (digits ?? []).map((hex) => Number.parseInt(hex, 16));
}

describeShared('Berkeley TestFloat agrees', Object.values(testFloat), () => {
  test.each([
    ['float16', testFloat.toFloat16],
    ['bfloat16', testFloat.toBfloat16],
  ] as const)('on float32 to %s', (dtype, path) => {
    const [input, result] = readTestFloat(path);
    expect(narrow(words(input), dtype)).toEqual(canonical(words(result), dtype));
  });

  test.each([
    ['float16', testFloat.fromFloat16],
    ['bfloat16', testFloat.fromBfloat16],
  ] as const)('on %s to float32', (dtype, path) => {
    const [input, result] = readTestFloat(path);
    expect(widen(words(input), dtype, 'float32')).toEqual(new Float32Array(Uint32Array.from(words(result)).buffer));
  });

  test('on float16 to float64', () => {
    const [input, result = []] = readTestFloat(testFloat.fromFloat16To64);
    const expected = new Float64Array(BigUint64Array.from(result, (hex) => BigInt(`0x${hex}`)).buffer);
    expect(widen(words(input), 'float16', 'float64')).toEqual(expected);
  });

  test.each([
    ['adding', testFloat.add, add],
    ['multiplying', testFloat.mul, mul],
  ] as const)('on %s in float16', (_, path, op) => {
    const [a, b, result] = readTestFloat(path);
    const [left, right] = [a, b].map((bits) => load(Uint16Array.from(words(bits)), 'float16')) as [Tensor, Tensor];
    expect(canonical(rawOf(op(left, right)), 'float16')).toEqual(canonical(words(result), 'float16'));
  });
});

describe.each(halves)('rounding to %s', (dtype) => {
  const round = (x: number): number => cast(load(Float64Array.of(x), 'float64'), dtype).item();

  test('leaves what is rounded alone', () => {
    fc.assert(
      fc.property(fc.double(), (x) => {
        expect(round(round(x))).toBe(round(x));
      }),
    );
  });

  test('keeps the order of numbers', () => {
    const { max } = finfo(dtype);
    const near = fc.double({ min: -2 * max, max: 2 * max, noNaN: true });
    fc.assert(
      fc.property(near, near, (x, y) => {
        const [low, high] = x < y ? [x, y] : [y, x];
        expect(round(low)).toBeLessThanOrEqual(round(high));
      }),
    );
  });

  test('moves a number by at most half the distance to its neighbour', () => {
    const { max, eps, smallestNormal } = finfo(dtype);
    fc.assert(
      fc.property(fc.float({ min: Math.fround(-max), max: Math.fround(max), noNaN: true }), (x) => {
        expect(Math.abs(round(x) - x)).toBeLessThanOrEqual((Math.max(Math.abs(x), smallestNormal) * eps) / 2);
      }),
    );
  });
});

describe('casting to integers', () => {
  const toInteger = (x: number, dtype: 'int32' | 'uint8'): number =>
    cast(load(Float64Array.of(x), 'float64'), dtype).item();

  test('truncates toward zero, then modulo 2^32 or 2^8, as JavaScript does', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) => {
        expect(toInteger(x, 'int32')).toBe(x | 0);
        expect(toInteger(x, 'uint8')).toBe(x & 0xff);
      }),
    );
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('makes %d a zero', (x) => {
    expect([toInteger(x, 'int32'), toInteger(x, 'uint8')]).toEqual([0, 0]);
  });

  test('makes everything but zero true, NaN too', () => {
    const x = load(Float32Array.of(0, -0, 0.25, Number.NaN, -3), 'float32');
    expect(cast(x, 'bool').toArray()).toEqual([false, false, true, true, true]);
  });
});

interface GoldenFinfo {
  readonly torch: Record<
    string,
    {
      readonly bits: number;
      readonly eps: number;
      readonly max: number;
      readonly min: number;
      readonly smallest_normal: number;
      readonly resolution: number;
    }
  >;
}

describeShared('the limits of the formats', ['golden/finfo.json', 'suites/formats/finfo.json'], () => {
  const floats = (['float16', 'bfloat16', 'float32', 'float64'] satisfies DType[]).filter(isFloat);

  test.each(floats)("of %s are torch.finfo's", (dtype) => {
    const expected = readJson<GoldenFinfo>('golden/finfo.json').torch[dtype];
    const { bits, eps, max, min, smallestNormal, resolution } = finfo(dtype);
    expect({ bits, eps, max, min, smallest_normal: smallestNormal, resolution }).toEqual({
      bits: expected?.bits,
      eps: expected?.eps,
      max: expected?.max,
      min: expected?.min,
      smallest_normal: expected?.smallest_normal,
      resolution: expected?.resolution,
    });
  });

  test.each(halves)('of %s include the smallest number above zero', (dtype) => {
    const published = readJson<Record<string, { readonly smallest_subnormal: number }>>('suites/formats/finfo.json');
    expect(finfo(dtype).smallestSubnormal).toBe(published[dtype]?.smallest_subnormal);
    expect(widen([1], dtype, 'float64')[0]).toBe(finfo(dtype).smallestSubnormal);
  });
});
