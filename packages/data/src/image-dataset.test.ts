import { cpu } from '@halfgrad/backend-cpu';
import { Generator, setDefaultDevice } from '@halfgrad/core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { DataLoader } from './data-loader.ts';
import { ImageDataset, standardAugmentation } from './image-dataset.ts';
import type { LabelledImages } from './labelled-images.ts';
import { type Normalization, normalizationOf } from './normalization.ts';

const [channels, height, width] = [2, 3, 4];
const size = channels * height * width;
const asShares: Normalization = { mean: [0, 0], std: [1, 1] };

const imageSets: fc.Arbitrary<LabelledImages> = fc.integer({ min: 1, max: 6 }).chain((count) =>
  fc.record({
    name: fc.constant('images'),
    pixels: fc.uint8Array({ minLength: count * size, maxLength: count * size }),
    labels: fc.uint8Array({ minLength: count, maxLength: count, max: 9 }),
    shape: fc.constant([channels, height, width] as const),
    classNames: fc.constant([...'0123456789']),
  }),
);

/** The only image, each pixel 1 + its index within its channel. */
const numbered: LabelledImages = {
  name: 'numbered',
  pixels: Uint8Array.from({ length: size }, (_, i) => 1 + (i % (height * width))),
  labels: Uint8Array.of(3),
  shape: [channels, height, width],
  classNames: [...'0123456789'],
};

beforeAll(() => setDefaultDevice(cpu));

describe('ImageDataset', () => {
  test('makes float32 images and int32 labels of the examples asked for', () => {
    fc.assert(
      fc.property(imageSets, fc.array(fc.nat(), { maxLength: 5 }), (images, picks) => {
        const indices = Int32Array.from(picks, (pick) => pick % images.labels.length);
        const { x, y } = new ImageDataset(images, { normalization: asShares }).collate(indices);
        expect([x.dtype, y.dtype]).toEqual(['float32', 'int32']);
        expect([x.shape, y.shape]).toEqual([[indices.length, channels, height, width], [indices.length]]);
        expect(Array.from(y.dataSync())).toEqual(Array.from(indices, (i) => images.labels[i]));
        const expected = Array.from(indices).flatMap((i) => [...images.pixels.subarray(i * size, (i + 1) * size)]);
        expect(Array.from(x.dataSync())).toEqual(expected.map((byte) => Math.fround(byte / 255)));
      }),
    );
  });

  test('has mean 0 and variance 1 in every channel after its own normalisation', () => {
    fc.assert(
      fc.property(imageSets, (images) => {
        const normalization = normalizationOf(images);
        const all = Int32Array.from(images.labels.keys());
        const values = new ImageDataset(images, { normalization }).collate(all).x.dataSync();
        for (let c = 0; c < channels; c++) {
          const channel = Array.from(values).filter((_, i) => Math.floor(i / (height * width)) % channels === c);
          const mean = channel.reduce((sum, x) => sum + x, 0) / channel.length;
          const variance = channel.reduce((sum, x) => sum + x * x, 0) / channel.length - mean ** 2;
          // n values of at most √n, each rounded to float32; a standard deviation of 1/255 at least.
          const bound = 2 ** -24 * channel.length * 255;
          expect(Math.abs(mean)).toBeLessThan(bound);
          expect(Math.min(Math.abs(variance - 1), Math.abs(variance))).toBeLessThan(bound);
        }
      }),
    );
  });

  test('gives batches in the order of a loader', () => {
    const images = { ...numbered, pixels: new Uint8Array(3 * size), labels: Uint8Array.of(4, 5, 6) };
    const loader = new DataLoader(new ImageDataset(images, { normalization: asShares }), { batchSize: 2 });
    expect(Array.from(loader, ({ y }) => y.toArray())).toEqual([[4, 5], [6]]);
  });

  test('refuses a normalisation for another number of channels', () => {
    expect(() => new ImageDataset(numbered, { normalization: { mean: [0], std: [1] } })).toThrow(
      'ImageDataset: numbered has 2 channels, but the normalization has 1 means and 1 standard deviations',
    );
  });
});

describe('augmentation', () => {
  const augmentation = { padding: 2, horizontalFlip: true };
  const dataset = new ImageDataset(numbered, { normalization: asShares, augmentation });
  const draw = (seed: number): number[] => {
    const { x } = dataset.collate(Int32Array.of(0), new Generator(seed));
    return Array.from(x.dataSync(), (share) => Math.round(share * 255));
  };

  test('shows a window of the padded image, perhaps mirrored', () => {
    const windows = new Set<string>();
    for (let down = -2; down <= 2; down++) {
      for (let right = -2; right <= 2; right++) {
        for (const mirrored of [false, true]) windows.add(windowOf(down, right, mirrored).join());
      }
    }
    const seen = new Set(Array.from({ length: 1000 }, (_, seed) => draw(seed).join()));
    expect(seen).toEqual(windows);
  });

  test('is the same for the same seed, and for a loader for the same epoch', () => {
    expect(draw(7)).toEqual(draw(7));
    const loader = new DataLoader(dataset, { batchSize: 1, seed: 3 });
    const load = (epoch: number) => Array.from(loader.batches(epoch), ({ x }) => [...x.dataSync()]);
    expect(load(2)).toEqual(load(2));
    expect(new Set([0, 1, 2, 3, 4, 5].map((epoch) => load(epoch).join())).size).toBeGreaterThan(1);
  });

  test('is off by default, and customary with 4 pixels of padding', () => {
    const plain = new ImageDataset(numbered, { normalization: asShares }).collate(Int32Array.of(0), new Generator(1));
    expect(Array.from(plain.x.dataSync(), (share) => Math.round(share * 255))).toEqual([...numbered.pixels]);
    expect(standardAugmentation).toEqual({ padding: 4, horizontalFlip: true });
  });

  function windowOf(down: number, right: number, mirrored: boolean): number[] {
    const pixelAt = (y: number, x: number): number =>
      y < 0 || y >= height || x < 0 || x >= width ? 0 : 1 + y * width + x;
    return Array.from({ length: size }, (_, i) => {
      const [y, x] = [Math.floor(i / width) % height, i % width];
      return pixelAt(y + down, (mirrored ? width - 1 - x : x) + right);
    });
  }
});

describe('normalizationOf', () => {
  test('divides by 1 where a channel is constant', () => {
    const flat = { ...numbered, pixels: new Uint8Array(size).fill(51) };
    expect(normalizationOf(flat)).toEqual({ mean: [0.2, 0.2], std: [1, 1] });
  });
});
