import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { defaultGenerator, dropout, Generator, manualSeed, ones, setDefaultDevice, sum } from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

describe('dropout', () => {
  test('zeroes a share p of the elements and scales the others by 1 / (1 − p)', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(0.1, 0.5, 0.75), (seed, p) => {
        const n = 4000;
        const y = dropout(ones([n], { dtype: 'float64' }), p, { generator: new Generator(seed) });
        const values = [...y.dataSync()];
        expect(new Set(values)).toEqual(new Set([0, 1 / (1 - p)]));
        const zeros = values.filter((x) => x === 0).length;
        // Six standard deviations of a binomial count.
        expect(Math.abs(zeros - n * p)).toBeLessThan(6 * Math.sqrt(n * p * (1 - p)));
      }),
      { numRuns: 20 },
    );
  });

  test('sends gradients through the elements that it kept', () => {
    const x = ones([100]).requireGrad();
    const y = dropout(x, 0.5);
    sum(y).backward();
    expect(x.grad?.toArray()).toEqual(y.toArray());
  });

  test('does nothing outside training or with p = 0, and all with p = 1', () => {
    const x = ones([4]);
    expect(dropout(x, 0.5, { training: false })).toBe(x);
    expect(dropout(x, 0)).toBe(x);
    expect(dropout(x, 1).toArray()).toEqual([0, 0, 0, 0]);
  });

  test('draws another mask each time', () => {
    const x = ones([64]);
    manualSeed(0);
    const first = dropout(x).toArray();
    expect(dropout(x).toArray()).not.toEqual(first);
    manualSeed(0);
    expect(dropout(x).toArray()).toEqual(first);
  });
});

describe('a generator', () => {
  test('continues from a state', () => {
    const generator = new Generator(5);
    generator.words(10);
    const state = generator.state();
    const next = [...generator.words(8)];
    const restored = new Generator();
    restored.setState(state);
    expect([...restored.words(8)]).toEqual(next);
  });

  test('never gives out the same block twice', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (counts) => {
        const generator = new Generator(1);
        const offsets = counts.map((count) => generator.reserve(count));
        offsets.forEach(({ offset }, i) => {
          const following = offsets[i + 1];
          if (following) expect(following.offset).toBe(offset + Math.ceil((counts[i] as number) / 4));
        });
      }),
    );
  });

  test('permutes without repetition', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(50), (seed, n) => {
        const order = [...new Generator(seed).permutation(n)];
        expect(order.toSorted((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
    );
  });

  test('refuses a state that is none', () => {
    expect(() => defaultGenerator.setState({ seed: 1, offset: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: Generator.setState: offset -1 is not a position in the stream]`,
    );
  });
});
