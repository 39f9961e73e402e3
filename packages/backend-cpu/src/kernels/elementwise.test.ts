import {
  add,
  broadcastShapes,
  type DType,
  div,
  dropout,
  encodeNumbers,
  equal,
  fromHost,
  Generator,
  gelu,
  greaterEqual,
  less,
  maximum,
  minimum,
  mul,
  neg,
  philoxWords,
  pow,
  relu,
  sign,
  sizeOf,
  softplus,
  stridesOf,
  sub,
  type Tensor,
  uniformOf,
  where,
} from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpu } from '../index.ts';

const load = (values: readonly number[], dtype: DType, shape: readonly number[] = [values.length]): Tensor =>
  fromHost(encodeNumbers(values, dtype), shape, { dtype, device: cpu });

const numbersOf = (x: Tensor): number[] => [...x.dataSync()];

describe('operands are repeated where their shapes ask for it', () => {
  const dims = fc.array(fc.record({ size: fc.integer({ min: 0, max: 4 }), one: fc.constantFrom('a', 'b', 'none') }), {
    maxLength: 4,
  });

  /** Two shapes that broadcast, one of them possibly shorter. */
  const pairs = fc.tuple(dims, fc.nat({ max: 2 })).map(([list, dropped]) => {
    const a = list.map(({ size, one }) => (one === 'a' ? 1 : size));
    const b = list.map(({ size, one }) => (one === 'b' ? 1 : size));
    return { a, b: b.slice(dropped) };
  });

  /** The element of `x` that stands at an index of the result. */
  function pick(x: Tensor, index: readonly number[]): number {
    const strides = stridesOf(x.shape);
    const own = index.slice(index.length - x.shape.length);
    return x.dataSync()[strides.reduce((sum, stride, dim) => sum + (x.shape[dim] === 1 ? 0 : stride * own[dim]!), 0)]!;
  }

  const counting = (shape: readonly number[], first: number): Tensor =>
    load(
      Array.from({ length: sizeOf(shape) }, (_, i) => first + i),
      'int32',
      shape,
    );

  test('in an op of two', () => {
    fc.assert(
      fc.property(pairs, ({ a, b }) => {
        const [left, right] = [counting(a, 0), counting(b, 1000)];
        const out = sub(left, right);
        expect(out.shape).toEqual(broadcastShapes(a, b));
        expect(numbersOf(out)).toEqual(indices(out.shape).map((index) => pick(left, index) - pick(right, index)));
      }),
    );
  });

  test('in a choice of three', () => {
    fc.assert(
      fc.property(pairs, ({ a, b }) => {
        const [left, right] = [counting(a, 0), counting(b, 1000)];
        const condition = equal(sub(left, mul(div(left, 2).to('int32'), 2)), 0);
        const out = where(condition, left, right);
        expect(numbersOf(out)).toEqual(
          indices(out.shape).map((index) => (pick(condition, index) ? pick(left, index) : pick(right, index))),
        );
      }),
    );
  });
});

function indices(shape: readonly number[]): number[][] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) =>
    stridesOf(shape).map((stride, dim) => Math.floor(flat / stride) % shape[dim]!),
  );
}

describe('integers', () => {
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

  test('wrap around as in 32 bits', () => {
    fc.assert(
      fc.property(int32, int32, (a, b) => {
        const [x, y] = [load([a], 'int32'), load([b], 'int32')];
        const exact = [BigInt(a) + BigInt(b), BigInt(a) - BigInt(b), BigInt(a) * BigInt(b), -BigInt(a)];
        const wrapped = exact.map((value) => Number(BigInt.asIntN(32, value)));
        expect([add(x, y), sub(x, y), mul(x, y), neg(x)].map((out) => out.item())).toEqual(wrapped);
      }),
    );
  });

  test('have powers modulo 2^32, and truncated reciprocals', () => {
    fc.assert(
      fc.property(int32, fc.nat({ max: 40 }), (a, b) => {
        const expected = Number(BigInt.asIntN(32, BigInt(a) ** BigInt(b)));
        expect(pow(load([a], 'int32'), load([b], 'int32')).item()).toBe(expected);
      }),
    );
    const [bases, exponents] = [load([1, -1, -1, 2, 0], 'int32'), load([-3, -3, -2, -1, -1], 'int32')];
    expect(numbersOf(pow(bases, exponents))).toEqual([1, -1, 1, 0, 0]);
  });

  test('divide to floats', () => {
    const out = div(load([1, -7, 5], 'int32'), load([2, 2, 0], 'uint8'));
    expect([out.dtype, ...numbersOf(out)]).toEqual(['float32', 0.5, -3.5, Number.POSITIVE_INFINITY]);
  });

  test('of one bit are added as "or" and multiplied as "and"', () => {
    const [a, b] = [load([0, 0, 1, 1], 'bool'), load([0, 1, 0, 1], 'bool')];
    expect(numbersOf(add(a, b))).toEqual([0, 1, 1, 1]);
    expect(numbersOf(mul(a, b))).toEqual([0, 0, 0, 1]);
  });
});

describe('special values', () => {
  const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

  test('NaN wins over everything in a maximum, a minimum and a rectifier', () => {
    const [a, b] = [load([nan, 1, nan], 'float32'), load([1, nan, nan], 'float32')];
    expect(numbersOf(maximum(a, b))).toEqual([nan, nan, nan]);
    expect(numbersOf(minimum(a, b))).toEqual([nan, nan, nan]);
    expect(numbersOf(relu(load([nan, -1, 2, -inf], 'float16')))).toEqual([nan, 0, 2, 0]);
    expect(numbersOf(load([nan, -5, 5], 'float32').clamp({ min: -1, max: 1 }))).toEqual([nan, -1, 1]);
    expect(numbersOf(sign(load([nan, -3, 0], 'float32')))).toEqual([nan, -1, 0]);
  });

  test('NaN is not equal to, less than or greater than anything', () => {
    const [a, b] = [load([nan, nan, 1], 'float32'), load([nan, 1, nan], 'float32')];
    for (const op of [equal, less, greaterEqual]) expect(numbersOf(op(a, b))).toEqual([0, 0, 0]);
  });

  test('powers follow IEEE 754, where JavaScript does not', () => {
    const [a, b] = [load([1, 1, -1, 0, -8, 4], 'float64'), load([nan, inf, -inf, -1, 1 / 3, 0.5], 'float64')];
    expect(numbersOf(pow(a, b))).toEqual([1, 1, 1, inf, nan, 2]);
  });

  test('division by zero is infinite, or NaN', () => {
    expect(numbersOf(div(load([1, -1, 0], 'float32'), load([0, 0, 0], 'float32')))).toEqual([inf, -inf, nan]);
  });

  test('softplus and gelu neither overflow nor cancel far from zero', () => {
    const far = load([-1000, -30, 30, 1000], 'float64');
    const [low, tail, high, higher] = numbersOf(softplus(far));
    expect([low, high, higher]).toEqual([0, 30, 1000]);
    // log(1 + e^(−30)) = e^(−30) − e^(−60)/2 + …
    expect(Math.abs(tail! / Math.exp(-30) - 1)).toBeLessThan(1e-12);
    // Φ(−10) = 7.619853024160526e−24
    expect(Math.abs(gelu(load([-10], 'float64')).item() / -7.619853024160526e-23 - 1)).toBeLessThan(1e-14);
  });
});

test('a comparison rounds both operands to the dtype that they promote to', () => {
  const tenth = load([0.1], 'float16');
  expect(numbersOf(equal(tenth, 0.1))).toEqual([1]);
  expect(numbersOf(equal(0.1, tenth))).toEqual([1]);
  expect(numbersOf(equal(tenth, load([0.1], 'float32')))).toEqual([0]);
});

test('16-bit results are rounded once, from float32', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true }), fc.float({ noNaN: true }), (a, b) => {
      for (const dtype of ['float16', 'bfloat16'] as const) {
        const [x, y] = [load([a], dtype), load([b], dtype)];
        const wide = mul(x.to('float32'), y.to('float32')).to(dtype);
        expect(numbersOf(mul(x, y))).toEqual(numbersOf(wide));
      }
    }),
  );
});

describe('dropout', () => {
  const ones = (count: number, dtype: DType = 'float32'): Tensor => load(new Array<number>(count).fill(1), dtype);

  test('keeps the elements whose uniform number is at least p, scaled by 1 / (1 − p)', () => {
    const out = dropout(ones(1000), 0.25, { generator: new Generator(42) });
    const words = philoxWords(42, 0, 1000);
    const scaled = Math.fround(1 / 0.75);
    expect(numbersOf(out)).toEqual(Array.from({ length: 1000 }, (_, i) => (uniformOf(words[i]!) >= 0.25 ? scaled : 0)));
  });

  test('keeps the expected share', () => {
    const kept = numbersOf(dropout(ones(10_000), 0.3, { generator: new Generator(1) })).filter((v) => v > 0).length;
    // Five standard deviations of a binomial distribution.
    expect(Math.abs(kept - 7000)).toBeLessThan(5 * Math.sqrt(10_000 * 0.3 * 0.7));
  });

  test('drops everything at p = 1, infinities too', () => {
    expect(numbersOf(dropout(load([1, Number.POSITIVE_INFINITY], 'float32'), 1))).toEqual([0, 0]);
  });

  test('continues its stream from one call to the next', () => {
    const generator = new Generator(7);
    const [first, second] = [dropout(ones(64), 0.5, { generator }), dropout(ones(64), 0.5, { generator })];
    expect(numbersOf(first)).not.toEqual(numbersOf(second));
  });
});
