import type { LossReduction } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { type OpSample, reducing } from './op-sample.ts';
import { broadcastable, positiveSizes, shapes } from './shape.ts';
import { type Domain, fractions, optional, positive, reals, type SampleTensor, tensorOf } from './tensor.ts';

export const reductions: Arbitrary<LossReduction> = fc.constantFrom('none', 'mean', 'sum');

interface ClassLoss {
  readonly inputs: { input: SampleTensor; target: SampleTensor; weight: SampleTensor | undefined };
  readonly attrs: { ignoreIndex: number; reduction: LossReduction };
}

/** Without a batch, with one, and with dimensions behind the classes; class 0 is ignored half of the time. */
const classLosses: Arbitrary<ClassLoss> = fc
  .record({
    batch: shapes({ maxRank: 2, size: positiveSizes }),
    classes: fc.integer({ min: 2, max: 4 }),
    ignoreIndex: fc.constantFrom(-100, 0),
    reduction: reductions,
  })
  .chain(({ batch, classes, ignoreIndex, reduction }) => {
    const shape = [...batch.slice(0, 1), classes, ...batch.slice(1)];
    return fc
      .record({
        input: tensorOf(shape),
        target: tensorOf(batch, fc.nat(classes - 1), 'int32'),
        weight: optional(tensorOf([classes], positive)),
      })
      .map(({ input, target, weight }) => ({
        inputs: { input, target: { ...target, values: withOneCounted(target.values) }, weight },
        attrs: { ignoreIndex, reduction },
      }));
  });

/** The first target is class 1: a mean over ignored targets only would be 0 / 0. */
function withOneCounted(classes: readonly number[]): number[] {
  return classes.map((c, i) => (i === 0 ? 1 : c));
}

export const nllLosses: Arbitrary<OpSample<'nllLoss'>> = classLosses.map(({ inputs, attrs }) =>
  reducing(inputs, attrs),
);

export const crossEntropies: Arbitrary<OpSample<'crossEntropy'>> = fc
  .tuple(classLosses, fc.constantFrom(0, 0.1, 0.5))
  .map(([{ inputs, attrs }, labelSmoothing]) => reducing(inputs, { ...attrs, labelSmoothing }));

export const probabilityCrossEntropies: Arbitrary<OpSample<'probabilityCrossEntropy'>> = fc
  .record({
    shape: shapes({ minRank: 1, maxRank: 3, size: positiveSizes }),
    labelSmoothing: fc.constantFrom(0, 0.1),
    reduction: reductions,
  })
  .chain(({ shape, ...attrs }) =>
    fc
      .record({
        input: tensorOf(shape),
        target: tensorOf(shape, fractions),
        weight: optional(tensorOf([shape[shape.length === 1 ? 0 : 1] as number], positive)),
      })
      .map((inputs) => reducing(inputs, attrs)),
  );

interface PairLoss {
  readonly input: SampleTensor;
  readonly target: SampleTensor;
  readonly weight: SampleTensor | undefined;
  readonly posWeight: SampleTensor | undefined;
}

/** Of one shape, with weights that broadcast to it. */
function pairs(input: Domain, target: Domain): Arbitrary<PairLoss> {
  return shapes().chain((shape) => {
    const weights = optional(broadcastable(shape).chain((narrow) => tensorOf(narrow, positive)));
    return fc.record({
      input: tensorOf(shape, input),
      target: tensorOf(shape, target),
      weight: weights,
      posWeight: weights,
    });
  });
}

export const mseLosses: Arbitrary<OpSample<'mseLoss'>> = fc
  .tuple(pairs(reals, reals), reductions)
  .map(([{ input, target }, reduction]) => reducing({ input, target }, { reduction }));

export const binaryCrossEntropies: Arbitrary<OpSample<'binaryCrossEntropy'>> = fc
  .tuple(pairs(fractions, fractions), reductions)
  .map(([{ input, target, weight }, reduction]) => reducing({ input, target, weight }, { reduction }));

export const binaryCrossEntropiesWithLogits: Arbitrary<OpSample<'binaryCrossEntropyWithLogits'>> = fc
  .tuple(pairs(reals, fractions), reductions)
  .map(([inputs, reduction]) => reducing(inputs, { reduction }));
