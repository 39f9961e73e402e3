import { type Device, defaultDevice, defaultGenerator, fromHost, type Generator, TensorError } from '@halfgrad/core';
import type { Batch, Dataset } from './dataset.ts';
import type { LabelledImages } from './labelled-images.ts';
import { type Normalization, normalizedBytes } from './normalization.ts';

/** Random changes of training images that keep their class. */
export interface Augmentation {
  /** Black pixels added on every side before a window of the old size is cut out at random. */
  readonly padding: number;
  /** Mirrors every other image, on average. */
  readonly horizontalFlip: boolean;
}

/** @see He, Zhang, Ren & Sun (2016), section 4.2: what is customary for CIFAR-10. */
export const standardAugmentation: Augmentation = { padding: 4, horizontalFlip: true };

export interface ImageDatasetOptions {
  readonly normalization: Normalization;
  /** Without it images are given as they are. */
  readonly augmentation?: Augmentation;
  /** Where batches are created; the default device unless told otherwise. */
  readonly device?: Device;
}

/** Images as batches of `x: float32[N,C,H,W]`, normalised per channel, and `y: int32[N]`. */
export class ImageDataset implements Dataset<Batch> {
  readonly images: LabelledImages;
  readonly #tables: readonly Float32Array[];
  readonly #augmentation: Augmentation | undefined;
  readonly #device: Device | undefined;

  /** @throws TensorError `invalid-argument` when the normalisation has another number of channels. */
  constructor(images: LabelledImages, { normalization, augmentation, device }: ImageDatasetOptions) {
    const [channels] = images.shape;
    if (normalization.mean.length !== channels || normalization.std.length !== channels) {
      throw new TensorError(
        'invalid-argument',
        `ImageDataset: ${images.name} has ${channels} channels, but the normalization has ${normalization.mean.length} means and ${normalization.std.length} standard deviations`,
      );
    }
    this.images = images;
    this.#tables = Array.from({ length: channels }, (_, channel) => normalizedBytes(normalization, channel));
    this.#augmentation = augmentation;
    this.#device = device;
  }

  get length(): number {
    return this.images.labels.length;
  }

  collate(indices: Int32Array, random: Generator = defaultGenerator): Batch {
    const { labels, shape } = this.images;
    const device = this.#device ?? defaultDevice();
    const windows = this.#augmentation && drawWindows(this.#augmentation, indices.length, random);
    const size = shape[0] * shape[1] * shape[2];
    const x = new Float32Array(indices.length * size);
    for (const [i, index] of indices.entries()) {
      this.#copyImage(index, windows?.[i] ?? wholeImage, x.subarray(i * size, (i + 1) * size));
    }
    const y = Int32Array.from(indices, (index) => labels[index] as number);
    return {
      x: fromHost(x, [indices.length, ...shape], { dtype: 'float32', device }),
      y: fromHost(y, [indices.length], { dtype: 'int32', device }),
    };
  }

  #copyImage(index: number, { down, right, mirrored }: Window, out: Float32Array): void {
    const { pixels, shape } = this.images;
    const [channels, height, width] = shape;
    let at = 0;
    for (let channel = 0; channel < channels; channel++) {
      const table = this.#tables[channel] as Float32Array;
      for (let y = 0; y < height; y++) {
        const row = y + down;
        const start = ((index * channels + channel) * height + row) * width;
        for (let x = 0; x < width; x++) {
          const column = (mirrored ? width - 1 - x : x) + right;
          const inside = row >= 0 && row < height && column >= 0 && column < width;
          out[at++] = table[inside ? (pixels[start + column] as number) : 0] as number;
        }
      }
    }
  }
}

/** The part of an image that a batch shows. */
interface Window {
  readonly down: number;
  readonly right: number;
  readonly mirrored: boolean;
}

const wholeImage: Window = { down: 0, right: 0, mirrored: false };

function drawWindows({ padding, horizontalFlip }: Augmentation, count: number, random: Generator): Window[] {
  const words = random.words(3 * count);
  const below = (bound: number, word: number): number => Math.floor((words[word] as number) * 2 ** -32 * bound);
  return Array.from({ length: count }, (_, i) => ({
    down: below(2 * padding + 1, 3 * i) - padding,
    right: below(2 * padding + 1, 3 * i + 1) - padding,
    mirrored: horizontalFlip && below(2, 3 * i + 2) === 1,
  }));
}
