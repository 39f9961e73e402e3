import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  attentionWeights,
  Generator,
  grad,
  randn,
  scaledDotProductAttention,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

const sizes = fc.record<Sizes>({
  seed: fc.nat(),
  heads: fc.integer({ min: 1, max: 2 }),
  queries: fc.integer({ min: 1, max: 4 }),
  keys: fc.integer({ min: 1, max: 4 }),
  width: fc.integer({ min: 1, max: 3 }),
});

interface Sizes {
  readonly seed: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly width: number;
}

/** Queries, keys and values in float64. */
function draw({ seed, heads, queries, keys, width }: Sizes) {
  const generator = new Generator(seed);
  const normal = (...shape: number[]): Tensor => randn(shape, { generator, dtype: 'float64' });
  return { q: normal(heads, queries, width), k: normal(heads, keys, width), v: normal(heads, keys, 2) };
}

type Nested = number[][][];

/** The definition, number by number; `allowed` says which keys a query sees. */
function naive(q: Tensor, k: Tensor, v: Tensor, scale: number, allowed: (i: number, j: number) => boolean): Nested {
  const [queries, keys, values] = [q, k, v].map((x) => x.toArray() as Nested) as [Nested, Nested, Nested];
  return queries.map((head, h) =>
    head.map((query, i) => {
      const scores = (keys[h] ?? []).map((key, j) =>
        allowed(i, j) ? Math.exp(scale * query.reduce((sum, x, e) => sum + x * (key[e] ?? 0), 0)) : 0,
      );
      const total = scores.reduce((a, b) => a + b, 0);
      return [0, 1].map((e) => scores.reduce((sum, s, j) => sum + (s / total) * (values[h]?.[j]?.[e] ?? 0), 0));
    }),
  );
}

describe('scaledDotProductAttention', () => {
  test('is the weighted mean of the values, by softmax of the scores', () => {
    fc.assert(
      fc.property(sizes, fc.constantFrom(undefined, 0.25), (size, scale) => {
        const { q, k, v } = draw(size);
        const expected = naive(q, k, v, scale ?? 1 / Math.sqrt(size.width), () => true);
        expectClose(scaledDotProductAttention(q, k, v, { scale }), expected);
      }),
    );
  });

  test('hides later keys when it is causal', () => {
    fc.assert(
      fc.property(sizes, (size) => {
        const { q, k, v } = draw(size);
        const expected = naive(q, k, v, 1, (i, j) => j <= i);
        expectClose(scaledDotProductAttention(q, k, v, { isCausal: true, scale: 1 }), expected);
      }),
    );
  });

  test('takes a mask of bools, true where a key is seen, or of numbers to add', () => {
    fc.assert(
      fc.property(sizes, fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }), (size, bits) => {
        const { q, k, v } = draw(size);
        // Every query sees the first key, so that no row is empty.
        const seen = (i: number, j: number): boolean => j === 0 || (bits[4 * i + j] as boolean);
        const rows = Array.from({ length: size.queries }, (_, i) =>
          Array.from({ length: size.keys }, (_, j) => seen(i, j)),
        );
        const expected = naive(q, k, v, 1, seen);
        const numbers = rows.map((row) => row.map((visible) => (visible ? 0 : Number.NEGATIVE_INFINITY)));
        for (const attnMask of [tensor(rows), tensor(numbers)]) {
          expectClose(scaledDotProductAttention(q, k, v, { attnMask, scale: 1 }), expected);
        }
      }),
    );
  });

  test('gives 0 and no NaN gradient to a query that may see nothing', () => {
    const { q, k, v } = draw({ seed: 1, heads: 1, queries: 2, keys: 3, width: 2 });
    const attnMask = tensor([
      [false, false, false],
      [true, false, true],
    ]);
    const inputs = [q, k, v].map((x) => x.requireGrad());
    const out = scaledDotProductAttention(q, k, v, { attnMask });
    expect(out.select(1, 0).toArray()).toEqual([[0, 0]]);
    for (const gradient of grad(out.sum(), inputs)) {
      expect([...gradient.dataSync()].every(Number.isFinite)).toBe(true);
    }
  });

  test('drops weights with a probability, repeatably with a generator', () => {
    const { q, k, v } = draw({ seed: 2, heads: 2, queries: 4, keys: 4, width: 3 });
    const drop = (): unknown =>
      scaledDotProductAttention(q, k, v, { dropoutP: 0.5, generator: new Generator(3) }).toArray();
    expect(drop()).toEqual(drop());
    expect(drop()).not.toEqual(scaledDotProductAttention(q, k, v).toArray());
  });

  test('keeps float16 scores in range where the plain product overflows', () => {
    // 64 products of 20 · 100 add up to 128,000, twice float16's largest number; an eighth of that is in range.
    const q = tensor(new Float32Array(64).fill(20), { dtype: 'float16', shape: [1, 64] });
    const k = tensor(new Float32Array(128).fill(100), { dtype: 'float16', shape: [2, 64] });
    expect(attentionWeights(q, k).toArray()).toEqual([[0.5, 0.5]]);
  });

  test('says which shapes it takes', () => {
    const x = tensor([1, 2]);
    expect(() => attentionWeights(x, x)).toThrow('attention: query and key need 2 or more dimensions, have 1 and 1.');
  });
});

/** A few dozen roundings of numbers below 8. */
function expectClose(actual: Tensor, expected: Nested): void {
  const values = expected.flat(2);
  Array.from(actual.dataSync()).forEach((value, i) => {
    expect(Math.abs(value - (values[i] as number))).toBeLessThanOrEqual(1e-13);
  });
}
