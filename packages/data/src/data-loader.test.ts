import { Generator } from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataLoader } from './data-loader.ts';
import type { Dataset } from './dataset.ts';

/** Its examples are their own indices. */
function numbers(length: number): Dataset<number[]> {
  return { length, collate: (indices) => [...indices] };
}

const options = fc.record({
  batchSize: fc.integer({ min: 1, max: 20 }),
  shuffle: fc.boolean(),
  seed: fc.nat(),
  dropLast: fc.boolean(),
});
const lengths = fc.nat(60);
const epochs = fc.nat(1000);

describe('DataLoader', () => {
  test('gives every example exactly once', () => {
    fc.assert(
      fc.property(lengths, options, epochs, (length, settings, epoch) => {
        const loader = new DataLoader(numbers(length), { ...settings, dropLast: false });
        const seen = [...loader.batches(epoch)].flat();
        expect(seen.toSorted((a, b) => a - b)).toEqual([...new Array(length).keys()]);
      }),
    );
  });

  test('gives as many batches as its length, all full but perhaps the last', () => {
    fc.assert(
      fc.property(lengths, options, epochs, (length, settings, epoch) => {
        const loader = new DataLoader(numbers(length), settings);
        const sizes = [...loader.batches(epoch)].map((batch) => batch.length);
        const { batchSize, dropLast } = settings;
        const rest = length % batchSize;
        const full = new Array((length - rest) / batchSize).fill(batchSize);
        expect(sizes).toEqual(dropLast || rest === 0 ? full : [...full, rest]);
        expect(loader.length).toBe(sizes.length);
      }),
    );
  });

  test('gives the same order for the same seed and epoch, whatever was loaded before', () => {
    fc.assert(
      fc.property(lengths, options, epochs, (length, settings, epoch) => {
        const loader = new DataLoader(numbers(length), settings);
        const first = [...loader.batches(epoch)];
        expect([...loader.batches(epoch)]).toEqual(first);
        expect([...new DataLoader(numbers(length), settings).batches(epoch)]).toEqual(first);
      }),
    );
  });

  test('gives different orders for different seeds and epochs', () => {
    const order = (seed: number, epoch: number) =>
      [...new DataLoader(numbers(50), { batchSize: 50, shuffle: true, seed }).batches(epoch)].join();
    const orders = [0, 1, 2].flatMap((seed) => [0, 1, 2].map((epoch) => order(seed, epoch)));
    expect(new Set(orders).size).toBe(9);
  });

  test('is the next epoch each time it is iterated', () => {
    const loader = new DataLoader(numbers(20), { batchSize: 6, shuffle: true, seed: 4 });
    const iterated = [[...loader], [...loader], [...loader]];
    expect(iterated).toEqual([0, 1, 2].map((epoch) => [...loader.batches(epoch)]));
  });

  test('keeps the order of the dataset unless it shuffles', () => {
    expect([...new DataLoader(numbers(5), { batchSize: 2 })]).toEqual([[0, 1], [2, 3], [4]]);
  });

  test('gives two iterations at once their own randomness', () => {
    const draws: Dataset<number> = { length: 8, collate: (_, random) => random.words(1)[0] as number };
    const loader = new DataLoader(draws, { batchSize: 2, seed: 9 });
    const [a, b] = [loader.batches(1), loader.batches(1)];
    const interleaved = [0, 1, 2, 3].map(() => [a.next().value, b.next().value]);
    expect(interleaved.map(([x]) => x)).toEqual(interleaved.map(([, y]) => y));
  });

  test('draws the order where the epoch begins in the stream of the seed', () => {
    const loader = new DataLoader(numbers(10), { batchSize: 10, shuffle: true, seed: 11 });
    expect([...loader.batches(0)]).toEqual([[...new Generator(11).permutation(10)]]);
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses a batch size of %d', (batchSize) => {
    expect(() => new DataLoader(numbers(5), { batchSize })).toThrow(
      `DataLoader: batchSize must be a positive integer, got ${batchSize}`,
    );
  });

  test('refuses a seed that is none when it is made', () => {
    expect(() => new DataLoader(numbers(5), { batchSize: 1, seed: -1 })).toThrow('the seed must be an integer');
  });
});
