import { TensorError } from '@halfgrad/core';
import {
  ImageDataset,
  type LabelledImages,
  normalizationOf,
  parseCifar10,
  readCifar10,
  syntheticCifar,
  syntheticClasses,
} from '@halfgrad/data';

export interface ExperimentData {
  readonly name: string;
  readonly classes: readonly string[];
  readonly train: ImageDataset;
  readonly test: ImageDataset;
}

export interface DataOptions {
  /** A folder with the binary version of CIFAR-10; images are drawn when it is not given. */
  readonly data?: string | undefined;
  /** How many images to use; all that there are in a folder. */
  readonly train?: number | undefined;
  readonly test?: number | undefined;
}

/** How many images are drawn, and from which seeds: a test set that no training seed has seen. */
const drawn = { train: { count: 1000, seed: 0 }, test: { count: 1000, seed: 1 } } as const;

/** Reads or draws the images. Both sets are normalised with the statistics of the training set. */
export async function loadExperimentData({ data, train, test }: DataOptions): Promise<ExperimentData> {
  const images = data === undefined ? drawImages({ train, test }) : await readImages(data, { train, test });
  const normalization = normalizationOf(images.train);
  return {
    name: data ?? 'embedded shapes',
    classes: images.train.classNames,
    train: new ImageDataset(images.train, { normalization }),
    test: new ImageDataset(images.test, { normalization }),
  };
}

interface ImageSets {
  readonly train: LabelledImages;
  readonly test: LabelledImages;
}

function drawImages({ train = drawn.train.count, test = drawn.test.count }: DataOptions): ImageSets {
  const draw = (name: keyof ImageSets, count: number): LabelledImages =>
    parseCifar10(syntheticCifar({ count, seed: drawn[name].seed }), { name, classNames: syntheticClasses });
  return { train: draw('train', train), test: draw('test', test) };
}

async function readImages(folder: string, { train, test }: DataOptions): Promise<ImageSets> {
  const all = await readCifar10(folder);
  return { train: firstImages(all.train, train), test: firstImages(all.test, test) };
}

function firstImages(images: LabelledImages, count: number | undefined): LabelledImages {
  if (count === undefined) return images;
  if (count > images.labels.length) {
    throw new TensorError(
      'invalid-argument',
      `compare: ${images.name} has ${images.labels.length} images, not ${count}`,
    );
  }
  const bytes = images.pixels.length / images.labels.length;
  return { ...images, pixels: images.pixels.subarray(0, count * bytes), labels: images.labels.subarray(0, count) };
}
