import { type DType, type HalfDType, halfCodecs } from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createWasmDevice } from '../index.ts';

const device = createWasmDevice();

function cast(data: Float32Array | Uint16Array, from: DType, to: DType): Float32Array | Uint16Array {
  const spec = { shape: [data.length], dtype: from };
  const x = device.upload(data, spec);
  const kernel = device.kernels.cast;
  if (!kernel) throw new Error('cast has no kernel');
  const y = kernel({ x }, { dtype: to }, { ...spec, dtype: to });
  const result = device.downloadSync?.(y) as Float32Array | Uint16Array;
  device.free(x);
  device.free(y);
  return result;
}

const floats = new Float32Array(1);
const words = new Uint32Array(floats.buffer);

/** Bits of float32 at and around every place where rounding could go wrong. */
function criticalWords(): Uint32Array {
  const found: number[] = [];
  for (let exponent = 0; exponent < 256; exponent++) {
    for (const sign of [0, 0x8000_0000]) {
      for (const keptBits of [7, 10]) {
        const unit = 2 ** (23 - keptBits);
        for (const kept of [0, 1, 2 ** keptBits - 2, 2 ** keptBits - 1]) {
          for (const rest of [0, 1, unit / 2 - 1, unit / 2, unit / 2 + 1, unit - 1]) {
            found.push((sign + exponent * 2 ** 23 + kept * unit + rest) >>> 0);
          }
        }
      }
    }
  }
  return Uint32Array.from(found);
}

function expectSameBits(dtype: HalfDType, source: Float32Array): void {
  const actual = cast(source, 'float32', dtype);
  const expected = halfCodecs[dtype].encode(source);
  const wrong = actual.findIndex((bits, i) => bits !== expected[i]);
  expect(wrong === -1 ? undefined : { x: source[wrong], actual: actual[wrong], expected: expected[wrong] }).toBe(
    undefined,
  );
}

describe.each(['float16', 'bfloat16'] as const)('cast between float32 and %s', (dtype) => {
  const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);

  test('widens every bit pattern to the value it stands for', () => {
    const actual = cast(all, dtype, 'float32');
    const wrong = all.findIndex((bits) => !Object.is(actual[bits], halfCodecs[dtype].valueOf(bits)));
    expect(wrong).toBe(-1);
  });

  test('brings every bit pattern back, NaN as the NaN of the codec', () => {
    const wide = cast(all, dtype, 'float32') as Float32Array;
    const back = cast(wide, 'float32', dtype);
    const wrong = all.findIndex((bits) => {
      const isNaN = Number.isNaN(halfCodecs[dtype].valueOf(bits));
      return isNaN ? !Number.isNaN(halfCodecs[dtype].valueOf(back[bits]!)) : back[bits] !== bits;
    });
    expect(wrong).toBe(-1);
  });

  test('rounds ties, subnormals, infinities and NaN of every exponent as the codec does', () => {
    expectSameBits(dtype, new Float32Array(criticalWords().buffer));
  });

  test('rounds a million floats of random bits as the codec does', () => {
    const random = new Uint32Array(2 ** 20);
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        for (let i = 0, state = seed >>> 0; i < random.length; i++) {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          random[i] = state ^ (state >>> 15);
        }
        expectSameBits(dtype, new Float32Array(random.buffer));
      }),
      { numRuns: 1 },
    );
  });

  test('leaves no trace of how many elements there are', () => {
    fc.assert(
      fc.property(fc.array(fc.float(), { maxLength: 40 }), (values) => {
        expectSameBits(dtype, Float32Array.from(values));
      }),
    );
  });
});

test('a NaN keeps its sign and, in bfloat16, its payload', () => {
  words[0] = 0xff81_2345;
  expect([...cast(floats, 'float32', 'bfloat16')]).toEqual([0xffc1]);
  expect([...cast(floats, 'float32', 'float16')]).toEqual([0xfe00]);
});
