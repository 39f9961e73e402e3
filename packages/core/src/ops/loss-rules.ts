import { argumentError } from '../spec/errors.ts';
import { promoteTypes } from '../spec/promotion.ts';
import { broadcastShapes, sameShape } from '../spec/shape.ts';
import type { TensorSpec } from '../spec/spec.ts';
import { type NamedSpecs, requireDType, requireFloat, requireOneOf } from './requirements.ts';
import type { LossReduction, OpName } from './signatures.ts';

/** The shape of a loss that has one value for each place of `shape`. */
export function lossShape(op: OpName, shape: readonly number[], reduction: LossReduction): readonly number[] {
  requireOneOf(op, 'reduction', reduction, ['none', 'mean', 'sum']);
  return reduction === 'none' ? shape : [];
}

export function classLoss(
  op: OpName,
  input: TensorSpec,
  target: TensorSpec,
  weight: TensorSpec | undefined,
  reduction: LossReduction,
): TensorSpec {
  requireDType(op, 'target', target, 'int32');
  const classDim = input.shape.length === 1 ? 0 : 1;
  const expected = input.shape.filter((_, dim) => dim !== classDim);
  if (input.shape.length === 0 || !sameShape(target.shape, expected)) {
    throw argumentError('shape-mismatch', op, `target should have shape [${expected.join(',')}]`, { input, target });
  }
  if (weight && !sameShape(weight.shape, [input.shape[classDim] as number])) {
    throw argumentError('shape-mismatch', op, 'weight needs one entry per class', { input, weight });
  }
  return { shape: lossShape(op, expected, reduction), dtype: input.dtype };
}

export function requireSmoothing(op: OpName, labelSmoothing: number, input: TensorSpec): void {
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw argumentError('invalid-argument', op, `labelSmoothing is ${labelSmoothing}, not in [0, 1]`, { input });
  }
}

export function probabilityLoss(
  op: OpName,
  input: TensorSpec,
  target: TensorSpec,
  weight: TensorSpec | undefined,
  reduction: LossReduction,
): TensorSpec {
  requireFloat(op, { input, target, weight });
  if (input.shape.length === 0 || !sameShape(input.shape, target.shape)) {
    throw argumentError(
      'shape-mismatch',
      op,
      'probabilities need the shape of the logits',
      { input, target },
      "Class targets are int32: use target.to('int32').",
    );
  }
  const classDim = input.shape.length === 1 ? 0 : 1;
  if (weight && !sameShape(weight.shape, [input.shape[classDim] as number])) {
    throw argumentError('shape-mismatch', op, 'weight needs one entry per class', { input, weight });
  }
  const shape = lossShape(
    op,
    input.shape.filter((_, dim) => dim !== classDim),
    reduction,
  );
  return { shape, dtype: promoteTypes(input.dtype, target.dtype) };
}

export function pairLoss(
  op: OpName,
  args: NamedSpecs & { input: TensorSpec; target: TensorSpec },
  reduction: LossReduction,
): TensorSpec {
  const { input, target } = args;
  requireFloat(op, { input, target });
  if (!sameShape(input.shape, target.shape)) {
    throw argumentError(
      'shape-mismatch',
      op,
      'input and target differ in shape',
      { input, target },
      'Expand one of them first.',
    );
  }
  for (const [name, operand] of Object.entries(args)) {
    const reached = operand && broadcastShapes(operand.shape, input.shape);
    if (operand && !(reached && sameShape(reached, input.shape))) {
      throw argumentError('shape-mismatch', op, `${name} does not broadcast to input`, args);
    }
  }
  return { shape: lossShape(op, input.shape, reduction), dtype: promoteTypes(input.dtype, target.dtype) };
}

/** Losses of predictions of one shape for a label each, of any dtype: ±1, or a count. */
export function labelLoss(
  op: OpName,
  predictions: Readonly<Record<string, TensorSpec>>,
  target: TensorSpec,
  labelShape: readonly number[],
  reduction: LossReduction,
): TensorSpec {
  requireFloat(op, predictions);
  const [first, ...others] = Object.values(predictions) as [TensorSpec, ...TensorSpec[]];
  if (others.some(({ shape }) => !sameShape(shape, first.shape))) {
    throw argumentError('shape-mismatch', op, 'shapes differ', predictions, 'Expand one of them first.');
  }
  if (!sameShape(target.shape, labelShape)) {
    throw argumentError('shape-mismatch', op, `target should have shape [${labelShape.join(',')}]`, {
      ...predictions,
      target,
    });
  }
  const dtype = others.reduce((soFar, { dtype }) => promoteTypes(soFar, dtype), first.dtype);
  return { shape: lossShape(op, labelShape, reduction), dtype };
}
