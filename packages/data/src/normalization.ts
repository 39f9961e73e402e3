import type { LabelledImages } from './labelled-images.ts';

/** Mean and standard deviation per channel, of pixel values from 0 to 1. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/**
 * The statistics of every channel of a training set, which its test set shares.
 *
 * Sums of bytes and of their squares are exact integers up to 10^11 pixels, so the order of the images does not matter.
 * A channel that is constant has a standard deviation of 1, to be divided by.
 */
export function normalizationOf({ pixels, shape }: LabelledImages): Normalization {
  const [channels, height, width] = shape;
  const plane = height * width;
  const sums = new Array<number>(channels).fill(0);
  const squares = new Array<number>(channels).fill(0);
  for (let start = 0; start < pixels.length; start += plane) {
    const channel = (start / plane) % channels;
    let [sum, square] = [0, 0];
    for (let i = start; i < start + plane; i++) {
      const pixel = pixels[i] as number;
      sum += pixel;
      square += pixel * pixel;
    }
    sums[channel]! += sum;
    squares[channel]! += square;
  }
  const count = pixels.length / channels;
  const mean = sums.map((sum) => sum / count);
  const std = squares.map((square, c) => Math.sqrt(square / count - (mean[c] as number) ** 2));
  return { mean: mean.map((x) => x / maxByte), std: std.map((x) => (x === 0 ? 1 : x / maxByte)) };
}

/** Every byte as the float32 it becomes in a channel: `(byte / 255 − mean) / std`, rounded once. */
export function normalizedBytes({ mean, std }: Normalization, channel: number): Float32Array {
  return Float32Array.from(
    { length: maxByte + 1 },
    (_, byte) => (byte / maxByte - (mean[channel] as number)) / (std[channel] as number),
  );
}

const maxByte = 255;
