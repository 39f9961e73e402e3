import { type AnyKernel, type Device, decorate, leaves, mapLeaves, type OpName, type TensorSpec } from '@halfgrad/core';
import { cpu } from '../device.ts';
import { createHostTensor, type HostTensor } from '../host-tensor.ts';
import { createAccumulate, type ReductionOrder } from './accumulate.ts';
import { reductionKernels } from './kernels.ts';
import { createRounder, type EmulatedFormat, type Rounder, type Rounding } from './rounding.ts';

/** How a device computes: the format of its results, how they are rounded, and how it adds. */
export interface ArithmeticPolicy {
  readonly format: EmulatedFormat;
  readonly rounding?: Rounding;
  /** What a running sum is rounded to after every addition: float32, or the format itself. */
  readonly accumulate?: 'float32' | 'format';
  readonly order?: ReductionOrder;
}

/** float16 and bfloat16 as formats to emulate, for instance with another accumulator. */
export const emulatedFormats: Readonly<Record<'float16' | 'bfloat16', EmulatedFormat>> = {
  float16: { exponentBits: 5, mantissaBits: 10 },
  bfloat16: { exponentBits: 8, mantissaBits: 7 },
};

/**
 * The reference device with another arithmetic: its float32 tensors hold numbers of `policy.format`.
 *
 * What is uploaded is rounded, every op rounds its result, and sums, means, matrix products, linear layers and convolutions
 * add in the given order with the given accumulator. Norms and softmax run as their decompositions, step by step in the
 * format. The gradients of convolutions add in float32. Other dtypes are as on the reference.
 *
 *     const device = emulate({ format: emulatedFormats.float16, accumulate: 'format' });
 *
 * Written to study arithmetic: slow by design.
 */
export function emulate({
  format,
  rounding = 'nearestEven',
  accumulate = 'float32',
  order = 'serial',
}: ArithmeticPolicy): Device<HostTensor> {
  const round = createRounder(format, rounding);
  const inner = accumulate === 'format' ? round : Math.fround;
  const summing: Partial<Record<OpName, unknown>> = reductionKernels(inner, createAccumulate(order));
  const { exponentBits, mantissaBits } = format;
  const steps = { ...cpu, kernels: { ...cpu.kernels, ...decomposedKernels } };
  const device = decorate(steps, `e${exponentBits}m${mantissaBits}`, (kernel, op) => (inputs, attrs, out) => {
    const isEmulated = leaves<TensorSpec>(out).some(({ dtype }) => dtype === 'float32');
    if (!isEmulated) return kernel(inputs, attrs, out);
    const run = (summing[op] as AnyKernel<HostTensor> | undefined) ?? kernel;
    // What shares the memory of an input, such as a reshaped tensor, is rounded already.
    const given = new Set(leaves<HostTensor>(inputs).map(({ block }) => block));
    return mapLeaves(run(inputs, attrs, out), (x) => (given.has(x.block) ? x : rounded(x, round)));
  });
  return { ...device, upload: (data, spec) => rounded(cpu.upload(data, spec), round) };
}

/** These contain sums of their own, so their steps have to be the device's. */
const decomposedKernels = {
  variance: 'decomposed',
  softmax: 'decomposed',
  softmaxGrad: 'decomposed',
  logSoftmax: 'decomposed',
  logSoftmaxGrad: 'decomposed',
  layerNorm: 'decomposed',
  layerNormGrad: 'decomposed',
  batchNorm: 'decomposed',
  batchNormGrad: 'decomposed',
} as const;

function rounded(x: HostTensor, round: Rounder): HostTensor {
  const { data } = x.block;
  if (!(data instanceof Float32Array)) return x;
  const spec: TensorSpec = { shape: x.shape, dtype: x.dtype, isNumber: x.isNumber };
  return createHostTensor(spec, data.map(round));
}
