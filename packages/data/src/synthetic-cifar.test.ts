import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cifar10RecordBytes, parseCifar10 } from './cifar10.ts';
import { patterns } from './patterns.ts';
import { syntheticCifar, syntheticClasses } from './synthetic-cifar.ts';

describe('syntheticCifar', () => {
  test('makes the same bytes everywhere', () => {
    const hash = createHash('sha256')
      .update(syntheticCifar({ count: 100, seed: 1 }))
      .digest('hex');
    expect(hash).toBe('a3aac771a1e9417d496025940c0faa0df85d97c85e6f4190260a785ea45fcc05');
  });

  test('is in the CIFAR-10 format, with the classes equally often', () => {
    const { labels } = parseCifar10(syntheticCifar({ count: 50, seed: 3 }), { classNames: syntheticClasses });
    expect(Array.from(syntheticClasses, (_, i) => labels.filter((label) => label === i).length)).toEqual(
      new Array(10).fill(5),
    );
  });

  test('begins a long list with the images of a short one', () => {
    const counts = fc.tuple(fc.nat(12), fc.nat(12), fc.nat());
    fc.assert(
      fc.property(counts, ([a, b, seed]) => {
        const [short, long] = [Math.min(a, b), Math.max(a, b)];
        const images = syntheticCifar({ count: long, seed });
        expect(images.subarray(0, short * cifar10RecordBytes)).toEqual(syntheticCifar({ count: short, seed }));
      }),
      { numRuns: 10 },
    );
  });

  test('makes no image twice, within a seed or across seeds', () => {
    const records = [1, 2].flatMap((seed) => {
      const bytes = syntheticCifar({ count: 100, seed });
      return Array.from({ length: 100 }, (_, i) =>
        Buffer.from(bytes.subarray(i * cifar10RecordBytes, (i + 1) * cifar10RecordBytes)).toString('base64'),
      );
    });
    expect(new Set(records).size).toBe(200);
  });

  test('keeps the figure lighter than its surroundings', () => {
    // Discs are filled at the centre of the picture for any position, size and turn.
    const { pixels, labels } = parseCifar10(syntheticCifar({ count: 500, seed: 5 }));
    const meanAt = (image: number, row: number, column: number): number =>
      [0, 1, 2].reduce((sum, c) => sum + (pixels[((image * 3 + c) * 32 + row) * 32 + column] as number) / 3, 0);
    const discs = [...labels.keys()].filter((i) => labels[i] === 0);
    const share = discs.filter((i) => meanAt(i, 16, 16) > meanAt(i, 0, 16)).length / discs.length;
    expect(share).toBeGreaterThan(0.7);
  });

  test.each([-1, 0.5, Number.NaN])('refuses %d as a count and as a seed', (bad) => {
    expect(() => syntheticCifar({ count: bad, seed: 0 })).toThrow(`count must be a natural number, got ${bad}`);
    expect(() => syntheticCifar({ count: 1, seed: bad })).toThrow(`the seed must be an integer`);
  });
});

describe('patterns', () => {
  const steps = Array.from({ length: 300 }, (_, i) => i / 100 - 1.495);
  const points = steps.flatMap((v) => steps.map((u) => [u, v] as const));

  test.each(patterns)('$name lies inside the unit circle, and fills some of it', ({ contains }) => {
    const inside = points.filter(([u, v]) => contains(u, v, 0.6));
    expect(inside.length).toBeGreaterThan(0);
    expect(Math.max(...inside.map(([u, v]) => u * u + v * v))).toBeLessThanOrEqual(1);
  });

  test('are pairwise different', () => {
    const drawings = patterns.map(({ contains }) => points.map(([u, v]) => contains(u, v, 0.6)).join());
    expect(new Set(drawings).size).toBe(10);
  });

  test('repeat where they are textures', () => {
    const textures = patterns.slice(5).filter(({ name }) => name !== 'diagonal');
    // Multiples of 1/1024, to which a shift by half a unit does not add a rounding.
    const inside = fc.integer({ min: -300, max: 300 }).map((k) => k / 1024);
    fc.assert(
      fc.property(fc.constantFrom(...textures), inside, inside, ({ contains }, u, v) => {
        const shifts = [-0.5, 0.5].filter((shift) => Math.abs(u + shift) < 0.6);
        for (const shift of shifts) expect(contains(u + shift, v, 0.5)).toBe(contains(u, v, 0.5));
      }),
    );
  });
});
