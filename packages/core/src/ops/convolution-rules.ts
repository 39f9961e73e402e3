import { argumentError, type ErrorCode } from '../spec/errors.ts';
import { sameShape } from '../spec/shape.ts';
import type { TensorSpec } from '../spec/spec.ts';
import { isCount, type NamedSpecs } from './requirements.ts';
import type { ConvolutionAttrs, OpName } from './signatures.ts';

/** The output size of one convolved dimension: ⌊(in + 2·padding − dilation·(kernel − 1) − 1) / stride⌋ + 1. */
export function convolved(
  op: OpName,
  input: readonly number[],
  kernel: readonly number[],
  { stride, padding, dilation }: ConvolutionAttrs,
  args: NamedSpecs,
): number[] {
  return input.map((size, i) => {
    const reach = (dilation[i] as number) * ((kernel[i] as number) - 1) + 1;
    const padded = size + 2 * (padding[i] as number);
    if (padded < reach) {
      throw argumentError('shape-mismatch', op, `the kernel spans ${reach}, the padded input only ${padded}`, args);
    }
    return Math.floor((padded - reach) / (stride[i] as number)) + 1;
  });
}

export function checkConvolution(op: OpName, x: TensorSpec, weight: TensorSpec, attrs: ConvolutionAttrs): void {
  const args = { x, weight };
  const fail = (problem: string, code: ErrorCode = 'shape-mismatch') => argumentError(code, op, problem, args);
  const rank = weight.shape.length - 2;
  if (rank < 1 || x.shape.length !== weight.shape.length) throw fail('x and weight need the same rank, at least 3');
  const { stride, padding, dilation, groups } = attrs;
  if ([stride, padding, dilation].some((list) => list.length !== rank)) {
    throw fail(`stride, padding and dilation need ${rank} entries`, 'invalid-argument');
  }
  const positive = [...stride, ...dilation, groups].every((n) => Number.isInteger(n) && n >= 1);
  if (!positive || !padding.every(isCount)) {
    throw fail('stride, dilation and groups must be positive, padding not negative', 'invalid-argument');
  }
  if (x.shape[1] !== (weight.shape[1] as number) * groups) {
    throw fail(`x has ${x.shape[1]} channels, weight wants ${weight.shape[1]} for each of ${groups} groups`);
  }
  if ((weight.shape[0] as number) % groups !== 0) throw fail(`${groups} groups do not divide the output channels`);
}

export function requireConvolved(
  op: OpName,
  gradOut: TensorSpec,
  x: TensorSpec,
  weight: TensorSpec,
  attrs: ConvolutionAttrs,
): void {
  const spatial = convolved(op, x.shape.slice(2), weight.shape.slice(2), attrs, { gradOut, x, weight });
  if (!sameShape(gradOut.shape, [x.shape[0] as number, weight.shape[0] as number, ...spatial])) {
    throw argumentError('shape-mismatch', op, 'grad is not what this convolution produces', { gradOut, x, weight });
  }
}
