import {
  bfloat16BitsOf,
  bfloat16Value,
  conv2d,
  float16BitsOf,
  float16Value,
  Generator,
  layerNorm,
  linear,
  matmul,
  randn,
  softmax,
  type Tensor,
  tensor,
} from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpu } from '../index.ts';
import { type ArithmeticPolicy, emulate, emulatedFormats } from './emulate.ts';
import { createRounder } from './rounding.ts';

const { float16, bfloat16 } = emulatedFormats;
const float32s = fc.float({ noNaN: true });

describe('rounding to a format', () => {
  test.each([
    ['float16', createRounder(float16), (x: number) => float16Value(float16BitsOf(x))],
    ['bfloat16', createRounder(bfloat16), (x: number) => bfloat16Value(bfloat16BitsOf(x))],
  ] as const)('is the conversion of core for %s', (_name, round, convert) => {
    fc.assert(
      fc.property(float32s, (x) => {
        expect(round(x)).toBe(convert(x));
      }),
      { numRuns: 3000 },
    );
  });

  test('toward zero never grows in magnitude and never overflows', () => {
    const round = createRounder({ exponentBits: 4, mantissaBits: 3 }, 'towardZero');
    fc.assert(
      fc.property(float32s, (x) => Math.abs(round(x)) <= Math.abs(x)),
      { numRuns: 1000 },
    );
    expect(round(1e9)).toBe(240);
  });

  test('stochastically goes up as often as the number is near, and the same way for the same seed', () => {
    const rounding = { stochastic: { seed: 7 } };
    const round = createRounder(bfloat16, rounding);
    const draws = Array.from({ length: 4000 }, () => round(1 + 2 ** -7 / 4));
    const up = draws.filter((x) => x > 1).length / draws.length;
    // Four standard deviations of a mean of 4,000 draws with probability 1/4.
    expect(Math.abs(up - 0.25)).toBeLessThan(4 * Math.sqrt((0.25 * 0.75) / 4000));
    expect(draws.slice(0, 20)).toEqual(
      Array.from(
        { length: 20 },
        (
          (again) => () =>
            again(1 + 2 ** -7 / 4)
        )(createRounder(bfloat16, rounding)),
      ),
    );
  });

  test('flushes subnormals and saturates where asked', () => {
    const round = createRounder({ ...float16, subnormals: false, overflow: 'saturate' });
    expect([round(2 ** -15), round(2 ** -14), round(1e6), round(-1e6)]).toEqual([0, 2 ** -14, 65504, -65504]);
  });

  test('refuses blocks that hold no term', () => {
    for (const block of [0, -1, 0.5, Number.NaN]) {
      expect(() => emulate({ format: float16, order: { block } })).toThrow(/Use a positive integer/);
    }
  });

  test('refuses formats wider than float32', () => {
    expect(() => createRounder({ exponentBits: 11, mantissaBits: 52 })).toThrow(/do not fit into float32/);
  });
});

describe('a device with another arithmetic', () => {
  const values = (policy: ArithmeticPolicy, compute: (draw: (...shape: number[]) => Tensor) => Tensor): number[] => {
    const [device, generator] = [emulate(policy), new Generator(3)];
    return Array.from(compute((...shape) => randn(shape, { device, generator })).dataSync());
  };

  test.each<[string, (draw: (...shape: number[]) => Tensor) => Tensor]>([
    ['sum', (draw) => draw(4, 5, 6).sum([0, 2])],
    ['mean', (draw) => draw(4, 5).mean(1)],
    ['matmul', (draw) => matmul(draw(2, 3, 4), draw(4, 5))],
    ['transposed matmul', (draw) => matmul(draw(4, 3), draw(5, 4), { transposeA: true, transposeB: true })],
    ['linear', (draw) => linear(draw(3, 4), draw(5, 4), draw(5))],
    ['conv2d', (draw) => conv2d(draw(2, 4, 5, 5), draw(6, 2, 3, 3), draw(6), { padding: 1, groups: 2 })],
    ['softmax', (draw) => softmax(draw(3, 7), 1)],
    ['layerNorm', (draw) => layerNorm(draw(3, 7), [7])],
  ])('is float32 when the format is: %s', (_name, compute) => {
    const wide = values({ format: { exponentBits: 8, mantissaBits: 23 } }, compute);
    const generator = new Generator(3);
    const expected = Array.from(compute((...shape) => randn(shape, { device: cpu, generator })).dataSync());
    wide.forEach((x, i) => {
      expect(Math.abs(x - (expected[i] as number))).toBeLessThanOrEqual(
        64 * 2 ** -24 * Math.max(1, Math.abs(expected[i] as number)),
      );
    });
  });

  test('rounds what is uploaded and every result, and leaves other dtypes alone', () => {
    const device = emulate({ format: bfloat16 });
    const x = tensor([1 / 3, 1.01], { device });
    expect(x.toArray()).toEqual([1 / 3, 1.01].map((v) => bfloat16Value(bfloat16BitsOf(v))));
    expect(x.add(x).reshape([2]).mul(x).toArray()).toEqual(
      [0.22265625, 2.03125].map((v) => bfloat16Value(bfloat16BitsOf(v))),
    );
    expect(
      tensor([1 / 3], { device, dtype: 'float64' })
        .mul(2)
        .toArray(),
    ).toEqual([2 / 3]);
    expect(device.name).toBe('e8m7(cpu)');
  });

  test('differs from float16 tensors only by its accumulator', () => {
    const generator = new Generator(5);
    const x = randn([8, 64], { device: cpu, generator });
    const native = x.to('float16').sum(1).to('float32').toArray();
    const emulated = (accumulate: 'float32' | 'format') =>
      tensor(Array.from(x.dataSync()), { shape: x.shape, device: emulate({ format: float16, accumulate }) })
        .sum(1)
        .toArray();
    // The reference adds in lanes and pairwise: its float32 sum may differ in the last bits, not the rounded one by more.
    expect(emulated('float32')).toEqual(native);
    expect(emulated('format')).not.toEqual(native);
  });
});

describe('the three classic lessons', () => {
  const ones = (policy: ArithmeticPolicy, count: number): number =>
    tensor(new Float32Array(count).fill(1), { device: emulate(policy) })
      .sum()
      .item();

  test('counting stops where 1 is half a step: 2048 in float16, 256 in bfloat16', () => {
    expect(ones({ format: float16, accumulate: 'format' }, 2049)).toBe(2048);
    expect(ones({ format: bfloat16, accumulate: 'format' }, 257)).toBe(256);
    expect(ones({ format: float16 }, 2049)).toBe(2048);
    expect(ones({ format: float16 }, 2050)).toBe(2050);
  });

  test('a thousand updates of 1e-4 leave a weight of 1.0 where it was, unless rounding is stochastic', () => {
    const trained = (policy: ArithmeticPolicy): number => {
      const device = emulate(policy);
      let weight = tensor([1], { device });
      for (let step = 0; step < 1000; step++) weight = weight.add(1e-4);
      return weight.item();
    };
    expect(trained({ format: float16 })).toBe(1);
    expect(trained({ format: bfloat16 })).toBe(1);
    expect(trained({ format: { exponentBits: 8, mantissaBits: 23 } })).toBeCloseTo(1.1, 4);
    const stochastic = trained({ format: bfloat16, rounding: { stochastic: { seed: 1 } } });
    // Each step goes up by 2^-7 with probability 1e-4 / 2^-7: four standard deviations around 0.1.
    expect(Math.abs(stochastic - 1.1)).toBeLessThan(4 * 2 ** -7 * Math.sqrt(1000 * (1e-4 / 2 ** -7)));
  });

  test('the order of a sum decides how much is lost: serial, in blocks, pairwise', () => {
    const sum = (order: ArithmeticPolicy['order'] & {}): number =>
      tensor(new Float32Array(4096).fill(1), { device: emulate({ format: float16, accumulate: 'format', order }) })
        .sum()
        .item();
    expect(sum('serial')).toBe(2048);
    expect(sum({ block: 64 })).toBe(4096);
    expect(sum('pairwise')).toBe(4096);
  });
});
