export {
  cifar10Classes,
  cifar10RecordBytes,
  cifar10Shape,
  type ParseCifar10Options,
  parseCifar10,
} from './cifar10.ts';
export { DataLoader, type DataLoaderOptions } from './data-loader.ts';
export type { Batch, Dataset } from './dataset.ts';
export { type Digits, digitLevels, digitPixels, parseDigits, syntheticDigits } from './digits.ts';
export {
  type Augmentation,
  ImageDataset,
  type ImageDatasetOptions,
  standardAugmentation,
} from './image-dataset.ts';
export type { LabelledImages } from './labelled-images.ts';
export { type Normalization, normalizationOf } from './normalization.ts';
export { type Cifar10, readCifar10 } from './read-cifar10.ts';
export { type SyntheticCifarOptions, syntheticCifar, syntheticClasses } from './synthetic-cifar.ts';
export { TensorDataset } from './tensor-dataset.ts';
