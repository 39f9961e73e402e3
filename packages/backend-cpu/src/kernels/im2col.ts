import { type ConvolutionAttrs, sizeOf, stridesOf } from '@halfgrad/core';
import type { Floats } from '../host-tensor.ts';

/**
 * Where a convolution looks: `taps[k · positions + p]` is the offset, within one channel of the input, that element `k` of
 * the kernel meets at output position `p`, or −1 in the padding. One table serves all channels and samples.
 */
export interface Taps {
  readonly offsets: Int32Array;
  /** The number of kernel elements, output positions, and input elements of one channel. */
  readonly kernel: number;
  readonly positions: number;
  readonly inputs: number;
}

export function createTaps(
  input: readonly number[],
  kernel: readonly number[],
  output: readonly number[],
  { stride, padding, dilation }: ConvolutionAttrs,
): Taps {
  const strides = stridesOf(input);
  // Offsets over [kernel, output] of the dimensions so far; each dimension refines both.
  let offsets = Int32Array.of(0);
  let [kernels, positions] = [1, 1];
  input.forEach((size, dim) => {
    const [kernelSize, outputSize] = [kernel[dim]!, output[dim]!];
    const refined = new Int32Array(offsets.length * kernelSize * outputSize);
    let at = 0;
    for (let k = 0; k < kernels; k++) {
      for (let tap = 0; tap < kernelSize; tap++) {
        for (let p = 0; p < positions; p++) {
          const base = offsets[k * positions + p]!;
          for (let o = 0; o < outputSize; o++) {
            const index = o * stride[dim]! - padding[dim]! + tap * dilation[dim]!;
            const inside = base >= 0 && index >= 0 && index < size;
            refined[at++] = inside ? base + index * strides[dim]! : -1;
          }
        }
      }
    }
    offsets = refined;
    kernels *= kernelSize;
    positions *= outputSize;
  });
  return { offsets, kernel: kernels, positions, inputs: sizeOf(input) };
}

/** Whether every output position sees exactly the input element of the same number, so that columns are the input. */
export function isIdentity({ offsets, kernel, inputs }: Taps): boolean {
  return kernel === 1 && offsets.length === inputs && offsets.every((offset, i) => offset === i);
}

/** columns[channel, kernel element, position] of `channels` channels of `x` from `at` on; zeros in the padding. */
export function collectColumns(columns: Floats, taps: Taps, channels: number, x: Floats, at: number): void {
  const { offsets, inputs } = taps;
  for (let channel = 0, i = 0; channel < channels; channel++) {
    const base = at + channel * inputs;
    for (let t = 0; t < offsets.length; t++, i++) columns[i] = offsets[t]! < 0 ? 0 : x[base + offsets[t]!]!;
  }
}

/** The transpose of `collectColumns`: adds every column element to the input element that it came from. */
export function spreadColumns(columns: Floats, taps: Taps, channels: number, x: Floats, at: number): void {
  const { offsets, inputs } = taps;
  for (let channel = 0, i = 0; channel < channels; channel++) {
    const base = at + channel * inputs;
    for (let t = 0; t < offsets.length; t++, i++) if (offsets[t]! >= 0) x[base + offsets[t]!]! += columns[i]!;
  }
}
