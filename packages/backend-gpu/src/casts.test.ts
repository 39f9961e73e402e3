import { cast, clone, fromHost, halfCodecs, type Tensor } from '@halfgrad/core';
import { describeDevice } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { type GpuTensor, openGpu } from './index.ts';

/** 2^20 float32 numbers: every exponent, around every tie of the 16-bit formats, and numbers far beyond them. */
function manyFloats(): Float32Array<ArrayBuffer> {
  const words = new Uint32Array(2 ** 20);
  for (let i = 0; i < words.length; i++) {
    // A bit pattern of a 16-bit format, widened: its 16 lower bits are at, below or above a tie, or anything.
    const upper = (i * 40_503) & 0xffff;
    const lower = [0x8000, 0x7fff, 0x8001, 0x1000, 0x0fff, 0x1001, 0x3000, (i * 2_654_435_761) & 0xffff];
    words[i] = upper * 0x1_0000 + lower[(i >>> 16) % lower.length]!;
  }
  return new Float32Array(words.buffer);
}

await describeDevice('casts', openGpu, (gpu) => {
  /** The elements as the device stores them: 16-bit floats as their bits. */
  const stored = (x: Tensor): Promise<ArrayLike<number>> => gpu.download(x.storage as GpuTensor);
  const allBits = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
  const floats = manyFloats();

  describe.each(['float16', 'bfloat16'] as const)('of %s', (dtype) => {
    test('hold every bit pattern', async () => {
      const x = fromHost(allBits, [2 ** 16], { dtype, device: gpu });
      expect(firstDifference(await stored(x), allBits)).toBeUndefined();
    });

    test('widen every bit pattern exactly', async () => {
      const x = fromHost(allBits, [2 ** 16], { dtype, device: gpu });
      const wide = Float32Array.from(await cast(x, 'float32').data());
      expect(firstDifference(wide, halfCodecs[dtype].decode(allBits))).toBeUndefined();
    });

    test('round a million float32 numbers to nearest, ties to even', async () => {
      const x = fromHost(floats, [floats.length], { device: gpu });
      expect(firstDifference(await stored(cast(x, dtype)), halfCodecs[dtype].encode(floats))).toBeUndefined();
    });
  });

  test('keep float32 bits, subnormal numbers included', async () => {
    const x = fromHost(floats, [floats.length], { device: gpu });
    expect(firstDifference(await stored(x), floats)).toBeUndefined();
    expect(firstDifference(await stored(clone(x)), floats)).toBeUndefined();
  });

  test('take the remainders of large numbers as integers', async () => {
    const numbers = [
      2.9,
      -2.9,
      2 ** 31,
      2 ** 32 + 2 ** 10,
      -(2 ** 35) - 2 ** 12,
      3e38,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ];
    const x = fromHost(Float32Array.from(numbers), [numbers.length], { device: gpu });
    expect(await cast(x, 'int32').data()).toEqual(Int32Array.from(numbers));
    expect(await cast(x, 'uint8').data()).toEqual(Uint8Array.from(numbers));
  });

  test('turn any integer into the nearest float32', async () => {
    const integers = Int32Array.from({ length: 4096 }, (_, i) => (i * 2_654_435_761) | 0);
    const x = fromHost(integers, [integers.length], { dtype: 'int32', device: gpu });
    expect(await cast(x, 'float32').data()).toEqual(Float32Array.from(integers));
  });
});

/** Where two lists differ first, and how; every NaN is alike. */
function firstDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): string | undefined {
  for (let i = 0; i < Math.max(actual.length, expected.length); i++) {
    if (!Object.is(actual[i], expected[i])) return `element ${i} is ${actual[i]}, not ${expected[i]}`;
  }
  return undefined;
}
