import { TensorError } from '@halfgrad/core';
import type { LabelledImages } from './labelled-images.ts';

export const cifar10Classes: readonly string[] = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

/** Red, green and blue planes of 32 rows of 32 pixels. */
export const cifar10Shape = [3, 32, 32] as const;

const pixelBytes = 3 * 32 * 32;
/** A label, then the pixels. */
export const cifar10RecordBytes: number = 1 + pixelBytes;

export interface ParseCifar10Options {
  /** What the bytes are called in messages, usually the file. */
  readonly name?: string;
  /** The classes, where they are not those of CIFAR-10. */
  readonly classNames?: readonly string[];
}

/**
 * Reads images in CIFAR-10's binary format: records of one label byte and 3,072 bytes of red, green and blue planes.
 *
 * @throws TensorError `invalid-file` when the size is not that of whole records, or a label names no class.
 *
 * @see https://www.cs.toronto.edu/~kriz/cifar.html, "binary version".
 */
export function parseCifar10(
  bytes: Uint8Array,
  { name = 'the data', classNames = cifar10Classes }: ParseCifar10Options = {},
): LabelledImages {
  const count = bytes.length / cifar10RecordBytes;
  if (!Number.isInteger(count) || count === 0) throw sizeError(name, bytes.length);
  const pixels = new Uint8Array(count * pixelBytes);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const start = i * cifar10RecordBytes;
    const label = bytes[start] as number;
    if (label >= classNames.length) throw labelError(name, i, label, classNames.length);
    labels[i] = label;
    pixels.set(bytes.subarray(start + 1, start + cifar10RecordBytes), i * pixelBytes);
  }
  return { name, pixels, labels, shape: cifar10Shape, classNames };
}

/** CIFAR-100 has a coarse and a fine label. */
const cifar100RecordBytes = cifar10RecordBytes + 1;

function sizeError(name: string, size: number): TensorError {
  const whole = Math.floor(size / cifar10RecordBytes);
  const nearest = [whole, whole + 1].filter((records) => records > 0);
  const expected = nearest
    .map((records) => `${grouped(records * cifar10RecordBytes)} (${records} ${records === 1 ? 'image' : 'images'})`)
    .join(' or ');
  const fix =
    size > 0 && size % cifar100RecordBytes === 0
      ? 'It looks like CIFAR-100, whose images have two labels: get the binary version of CIFAR-10.'
      : 'It is cut short or no CIFAR-10 file: get it again, in the binary version.';
  return new TensorError(
    'invalid-file',
    `parseCifar10: ${name} has ${grouped(size)} bytes, expected ${expected}. ${fix}`,
  );
}

function labelError(name: string, image: number, label: number, classes: number): TensorError {
  const at = grouped(image * cifar10RecordBytes);
  return new TensorError(
    'invalid-file',
    `parseCifar10: ${name} has the label ${label} at byte ${at} (image ${image}), expected 0 to ${classes - 1}. It is damaged or no CIFAR-10 file: get it again, in the binary version.`,
  );
}

function grouped(n: number): string {
  return n.toLocaleString('en-US');
}
