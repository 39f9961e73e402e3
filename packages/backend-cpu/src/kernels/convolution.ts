import type { Attrs, ConvolutionAttrs, Inputs, TensorSpec } from '@halfgrad/core';
import { allocateFloats, countOf, type Floats, type HostTensor, readFloats, write } from '../host-tensor.ts';
import { collectColumns, createTaps, isIdentity, spreadColumns, type Taps } from './im2col.ts';
import { addBias } from './matmul.ts';
import { createMultiplyAdd, type Matrix, matrix, type Order } from './multiply-add.ts';

/** A convolution as matrix products, one per sample and group: out = weight · columns, with the sizes of each. */
interface Plan {
  readonly taps: Taps;
  readonly samples: number;
  readonly groups: number;
  /** Input and output channels of one group. */
  readonly inputs: number;
  readonly outputs: number;
  /** The rows of the columns: one per input channel and kernel element. */
  readonly depth: number;
}

function createPlan(x: TensorSpec, weight: TensorSpec, out: TensorSpec, attrs: ConvolutionAttrs): Plan {
  const taps = createTaps(x.shape.slice(2), weight.shape.slice(2), out.shape.slice(2), attrs);
  const [outputs, inputs] = [weight.shape[0]! / attrs.groups, weight.shape[1]!];
  return { taps, samples: x.shape[0]!, groups: attrs.groups, inputs, outputs, depth: inputs * taps.kernel };
}

/** Calls `product` with the place of every sample and group in the input, the weight and the output. */
function eachProduct(
  { taps, samples, groups, inputs, outputs, depth }: Plan,
  product: (inputAt: number, weightAt: number, outputAt: number) => void,
): void {
  for (let i = 0; i < samples * groups; i++) {
    product(i * inputs * taps.inputs, (i % groups) * outputs * depth, i * outputs * taps.positions);
  }
}

export function convolution(
  { x, weight, bias }: Inputs<'convolution', HostTensor>,
  attrs: Attrs<'convolution'>,
  out: TensorSpec,
): HostTensor {
  const plan = createPlan(x, weight, out, attrs);
  const { taps, outputs: m, depth: k } = plan;
  const n = taps.positions;
  const weights = readFloats(weight, out.dtype);
  const columnsAt = columnReader(plan, readFloats(x, out.dtype));
  const result = allocateFloats(out.dtype, countOf(out));
  const multiplyAdd = createMultiplyAdd();
  eachProduct(plan, (inputAt, weightAt, outputAt) => {
    multiplyAdd({ m, n, k }, matrix(weights, weightAt, k), columnsAt(inputAt, 'as stored'), result, outputAt);
  });
  if (bias) addBias(result, readFloats(bias, out.dtype), plan.samples, n);
  return write(result, out);
}

/** columns = weightᵀ · gradOut, and every column element added to the input element that it was read from. */
export function convolutionInputGrad(
  { gradOut, weight }: Inputs<'convolutionInputGrad', HostTensor>,
  attrs: Attrs<'convolutionInputGrad'>,
  out: TensorSpec,
): HostTensor {
  const plan = createPlan(out, weight, gradOut, attrs);
  const { taps, inputs, outputs: k, depth: m } = plan;
  const n = taps.positions;
  const [grads, weights] = [readFloats(gradOut, out.dtype), readFloats(weight, out.dtype)];
  const columns = allocateFloats(out.dtype, m * n);
  const result = allocateFloats(out.dtype, countOf(out));
  const multiplyAdd = createMultiplyAdd();
  eachProduct(plan, (inputAt, weightAt, outputAt) => {
    columns.fill(0);
    multiplyAdd({ m, n, k }, matrix(weights, weightAt, m, 'transposed'), matrix(grads, outputAt, n), columns, 0);
    spreadColumns(columns, taps, inputs, result, inputAt);
  });
  return write(result, out);
}

/** weightGrad += gradOut · columnsᵀ, sample after sample. */
export function convolutionWeightGrad(
  { gradOut, x }: Inputs<'convolutionWeightGrad', HostTensor>,
  attrs: Attrs<'convolutionWeightGrad'>,
  out: TensorSpec,
): HostTensor {
  const plan = createPlan(x, out, gradOut, attrs);
  const { taps, outputs: m, depth: n } = plan;
  const k = taps.positions;
  const grads = readFloats(gradOut, out.dtype);
  const columnsAt = columnReader(plan, readFloats(x, out.dtype));
  const result = allocateFloats(out.dtype, countOf(out));
  const multiplyAdd = createMultiplyAdd();
  eachProduct(plan, (inputAt, weightAt, outputAt) => {
    multiplyAdd({ m, n, k }, matrix(grads, outputAt, k), columnsAt(inputAt, 'transposed'), result, weightAt);
  });
  return write(result, out);
}

/** Reads the columns of the channels at some place in `x`, into one buffer for all calls; a 1×1 kernel reads `x` itself. */
function columnReader({ taps, inputs, depth }: Plan, x: Floats): (inputAt: number, order: Order) => Matrix {
  if (isIdentity(taps)) return (inputAt, order) => matrix(x, inputAt, taps.positions, order);
  const length = depth * taps.positions;
  const columns = x instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
  return (inputAt, order) => {
    collectColumns(columns, taps, inputs, x, inputAt);
    return matrix(columns, 0, taps.positions, order);
  };
}
