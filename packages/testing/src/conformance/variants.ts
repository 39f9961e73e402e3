import {
  computeDType,
  type Device,
  type DType,
  encodeNumbers,
  fromHost,
  type HalfDType,
  isHalf,
  leaves,
  mapLeaves,
  permute,
  roundTo,
  stridesOf,
  type Tensor,
} from '@halfgrad/core';
import type { AnySample } from '../arbitraries/op-sample.ts';
import type { SampleTensor } from '../arbitraries/tensor.ts';

/** How a sample becomes a tensor on a device. */
export type Maker = (device: Device, sample: SampleTensor) => Tensor;

export const fresh: Maker = (device, { shape, dtype, values }) =>
  fromHost(encodeNumbers(values, dtype), shape, { dtype, device });

/** The sample with its floating-point tensors in another dtype. */
export function inDType(sample: AnySample, dtype: DType): AnySample {
  const inputs = mapLeaves(sample.inputs, (tensor) => {
    if (tensor.dtype !== 'float64') return tensor;
    return { ...tensor, dtype: tensor.isStatistic ? computeDType(dtype) : dtype };
  });
  return { ...sample, inputs };
}

/** Only the first floating-point tensor in a 16-bit dtype, the others in float32. */
export function firstInDType(sample: AnySample, dtype: HalfDType): AnySample {
  const first = leaves(sample.inputs).find((tensor) => tensor.dtype === 'float64');
  const inputs = mapLeaves(sample.inputs, (tensor) => (tensor === first ? { ...tensor, dtype } : tensor));
  return inDType({ ...sample, inputs }, 'float32');
}

/** The values that 16-bit tensors hold, as float32. */
export function widened(sample: AnySample): AnySample {
  const inputs = mapLeaves(sample.inputs, (tensor): SampleTensor => {
    const values = tensor.values.map((x) => roundTo(tensor.dtype, x));
    return isHalf(tensor.dtype) ? { ...tensor, dtype: 'float32', values } : tensor;
  });
  return { ...sample, inputs };
}

/** Made with its dimensions reversed, then permuted back. */
export const permuted: Maker = (device, { shape, dtype, values }) => {
  const dims = shape.map((_, dim) => dim).toReversed();
  const reversed = fresh(device, { shape: shape.toReversed(), dtype, values: reverseDims(values, shape) });
  return permute(reversed, dims);
};

/** Made with one dimension, then reshaped. */
export const reshaped: Maker = (device, { shape, dtype, values }) =>
  fresh(device, { shape: [values.length], dtype, values }).reshape(shape);

/** The elements of a row-major tensor in column-major order. */
function reverseDims(values: readonly number[], shape: readonly number[]): number[] {
  const strides = stridesOf(shape);
  const reversed = stridesOf(shape.toReversed()).toReversed();
  const moved = new Array<number>(values.length);
  values.forEach((x, at) => {
    const target = shape.reduce((sum, size, dim) => {
      const index = Math.floor(at / (strides[dim] as number)) % size;
      return sum + index * (reversed[dim] as number);
    }, 0);
    moved[target] = x;
  });
  return moved;
}
