import { type Attrs, type Inputs, sizeOf, type TensorSpec } from '@halfgrad/core';
import { allocateFloats, type Floats, type HostTensor, readFloats, write } from '../host-tensor.ts';

/** Axis by axis: `(1 − w) · x[low] + w · x[high]`, and `x[low]` itself for a weight of 0. */
export function interpolate(
  { x }: Inputs<'interpolate', HostTensor>,
  { axes }: Attrs<'interpolate'>,
  out: TensorSpec,
): HostTensor {
  let values = readFloats(x, out.dtype);
  axes.forEach((samples, i) => {
    const { outer, inner } = aroundAxis(out.shape, x.shape, axes.length, i);
    const size = x.shape[x.shape.length - axes.length + i]!;
    const result = allocateFloats(out.dtype, outer * samples.length * inner);
    for (let o = 0, at = 0; o < outer; o++) {
      for (const { low, high, weight } of samples) {
        const [lower, upper] = [(o * size + low) * inner, (o * size + high) * inner];
        for (let j = 0; j < inner; j++, at++) {
          result[at] =
            weight === 0 ? values[lower + j]! : (1 - weight) * values[lower + j]! + weight * values[upper + j]!;
        }
      }
    }
    values = result;
  });
  return write(owned(values, x), out);
}

/** The transpose of `interpolate`, which adds in the order of the samples. */
export function interpolateGrad(
  { gradOut }: Inputs<'interpolateGrad', HostTensor>,
  { axes, size }: Attrs<'interpolateGrad'>,
  out: TensorSpec,
): HostTensor {
  let values = readFloats(gradOut, out.dtype);
  axes.forEach((samples, i) => {
    const { outer, inner } = aroundAxis(out.shape, gradOut.shape, axes.length, i);
    const result = allocateFloats(out.dtype, outer * size[i]! * inner);
    for (let o = 0, from = 0; o < outer; o++) {
      for (const { low, high, weight } of samples) {
        const [lower, upper] = [(o * size[i]! + low) * inner, (o * size[i]! + high) * inner];
        for (let j = 0; j < inner; j++, from++) {
          result[lower + j]! += (1 - weight) * values[from]!;
          if (weight !== 0) result[upper + j]! += weight * values[from]!;
        }
      }
    }
    values = result;
  });
  return write(owned(values, gradOut), out);
}

/** The number of elements before the i-th of the last `count` dimensions, those there resampled, and behind it. */
function aroundAxis(
  resampled: readonly number[],
  original: readonly number[],
  count: number,
  i: number,
): { outer: number; inner: number } {
  const dim = original.length - count + i;
  return { outer: sizeOf(resampled.slice(0, dim)), inner: sizeOf(original.slice(dim + 1)) };
}

/** Without any axis nothing was computed, and the elements still belong to `x`. */
function owned(values: Floats, x: HostTensor): Floats {
  return values === x.block.data ? (values.slice() as Floats) : values;
}
