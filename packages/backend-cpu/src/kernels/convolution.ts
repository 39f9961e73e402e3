import type { Attrs, ConvolutionAttrs, Inputs, TensorSpec } from '@halfgrad/core';
import { allocateFloats, countOf, type Floats, type HostTensor, readFloats, write } from '../host-tensor.ts';
import { collectColumns, createTaps, isIdentity, spreadColumns, type Taps } from './im2col.ts';
import { addBias, matrix, multiplyAdd } from './matmul.ts';

/** One convolution as matrix products: per sample and group, [outputs × taps] · [taps × positions]. */
interface Plan {
  readonly taps: Taps;
  readonly samples: number;
  readonly groups: number;
  /** Channels of one group. */
  readonly inputs: number;
  readonly outputs: number;
  /** Rows of the columns matrix: input channels of a group times kernel elements. */
  readonly depth: number;
}

function createPlan(x: TensorSpec, weight: TensorSpec, gradOut: TensorSpec, attrs: ConvolutionAttrs): Plan {
  const taps = createTaps(x.shape.slice(2), weight.shape.slice(2), gradOut.shape.slice(2), attrs);
  const [outputs, inputs] = [weight.shape[0]! / attrs.groups, weight.shape[1]!];
  return { taps, samples: x.shape[0]!, groups: attrs.groups, inputs, outputs, depth: inputs * taps.kernel };
}

/** Calls `multiply` with the place of every sample and group in the input, the weight and the output. */
function eachGroup(
  { taps, samples, groups, inputs, outputs, depth }: Plan,
  multiply: (inputAt: number, weightAt: number, outputAt: number) => void,
): void {
  for (let i = 0; i < samples * groups; i++) {
    multiply(i * inputs * taps.inputs, (i % groups) * outputs * depth, i * outputs * taps.positions);
  }
}

export function convolution(
  { x, weight, bias }: Inputs<'convolution', HostTensor>,
  attrs: Attrs<'convolution'>,
  out: TensorSpec,
): HostTensor {
  const plan = createPlan(x, weight, out, attrs);
  const { taps, outputs, depth } = plan;
  const [values, weights] = [readFloats(x, out.dtype), readFloats(weight, out.dtype)];
  const result = allocateFloats(out.dtype, countOf(out));
  const columnsOf = columnReader(plan, values);
  eachGroup(plan, (inputAt, weightAt, outputAt) => {
    const columns = columnsOf(inputAt);
    multiplyAdd(
      outputs,
      taps.positions,
      depth,
      matrix(weights, weightAt, depth),
      matrix(columns.values, columns.at, taps.positions),
      result,
      outputAt,
    );
  });
  if (bias) addBias(result, readFloats(bias, out.dtype), plan.samples, taps.positions);
  return write(result, out);
}

/** The same products transposed: columns = weightᵀ · gradOut, added back to where they were read. */
export function convolutionInputGrad(
  { gradOut, weight }: Inputs<'convolutionInputGrad', HostTensor>,
  attrs: Attrs<'convolutionInputGrad'>,
  out: TensorSpec,
): HostTensor {
  const plan = createPlan(out, weight, gradOut, attrs);
  const { taps, inputs, outputs, depth } = plan;
  const [grads, weights] = [readFloats(gradOut, out.dtype), readFloats(weight, out.dtype)];
  const result = allocateFloats(out.dtype, countOf(out));
  const columns = allocateFloats(out.dtype, depth * taps.positions);
  eachGroup(plan, (inputAt, weightAt, outputAt) => {
    columns.fill(0);
    multiplyAdd(
      depth,
      taps.positions,
      outputs,
      matrix(weights, weightAt, depth, true),
      matrix(grads, outputAt, taps.positions),
      columns,
      0,
    );
    spreadColumns(columns, taps, inputs, result, inputAt);
  });
  return write(result, out);
}

/** weightGrad += gradOut · columnsᵀ over the samples, in order. */
export function convolutionWeightGrad(
  { gradOut, x }: Inputs<'convolutionWeightGrad', HostTensor>,
  attrs: Attrs<'convolutionWeightGrad'>,
  out: TensorSpec,
): HostTensor {
  const plan = createPlan(x, out, gradOut, attrs);
  const { taps, outputs, depth } = plan;
  const grads = readFloats(gradOut, out.dtype);
  const result = allocateFloats(out.dtype, countOf(out));
  const columnsOf = columnReader(plan, readFloats(x, out.dtype));
  eachGroup(plan, (inputAt, weightAt, outputAt) => {
    const columns = columnsOf(inputAt);
    multiplyAdd(
      outputs,
      depth,
      taps.positions,
      matrix(grads, outputAt, taps.positions),
      matrix(columns.values, columns.at, taps.positions, true),
      result,
      weightAt,
    );
  });
  return write(result, out);
}

/** Gives the columns of the channels at some place in `x`, in one buffer for all calls; a 1×1 kernel reads `x` itself. */
function columnReader({ taps, inputs, depth }: Plan, x: Floats): (inputAt: number) => { values: Floats; at: number } {
  if (isIdentity(taps)) return (inputAt) => ({ values: x, at: inputAt });
  const values =
    x instanceof Float64Array ? new Float64Array(depth * taps.positions) : new Float32Array(depth * taps.positions);
  return (inputAt) => {
    collectColumns(values, taps, inputs, x, inputAt);
    return { values, at: 0 };
  };
}
