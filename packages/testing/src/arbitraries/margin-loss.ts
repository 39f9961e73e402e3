import fc, { type Arbitrary } from 'fast-check';
import { reductions } from './loss.ts';
import { type OpSample, reducing } from './op-sample.ts';
import { positiveSizes, shapes } from './shape.ts';
import {
  awayFromZero,
  betweenGridPoints,
  type Domain,
  evenSixteenths,
  fractions,
  oddSixteenths,
  optional,
  positive,
  reals,
  type SampleTensor,
  tensorOf,
} from './tensor.ts';

/** No difference of elements is a margin, where losses have kinks. */
const margins: Arbitrary<number> = fc.constantFrom(betweenGridPoints, betweenGridPoints / 4);
const labels: Domain = fc.constantFrom(-1, 1);

/** Two tensors of one shape, whose elements never meet. */
const pairs: Arbitrary<{ input: SampleTensor; target: SampleTensor }> = shapes().chain((shape) =>
  fc.record({ input: tensorOf(shape, evenSixteenths), target: tensorOf(shape, oddSixteenths) }),
);

/** Predictions, and a label for each. */
function labelled(domain: Domain, label: Domain): Arbitrary<{ input: SampleTensor; target: SampleTensor }> {
  return shapes().chain((shape) =>
    fc.record({ input: tensorOf(shape, domain), target: tensorOf(shape, label, 'int32') }),
  );
}

export const l1Losses: Arbitrary<OpSample<'l1Loss'>> = fc
  .tuple(pairs, reductions)
  .map(([inputs, reduction]) => reducing(inputs, { reduction }));

export const smoothL1Losses: Arbitrary<OpSample<'smoothL1Loss'>> = fc
  .tuple(pairs, fc.constantFrom(0, betweenGridPoints), reductions)
  .map(([inputs, beta, reduction]) => reducing(inputs, { beta, reduction }));

export const huberLosses: Arbitrary<OpSample<'huberLoss'>> = fc
  .tuple(pairs, margins, reductions)
  .map(([inputs, delta, reduction]) => reducing(inputs, { delta, reduction }));

export const divergences: Arbitrary<OpSample<'klDiv'>> = shapes().chain((shape) =>
  fc
    .record({
      input: tensorOf(shape),
      target: tensorOf(shape, fractions),
      logTarget: fc.boolean(),
      reduction: reductions,
    })
    .map(({ logTarget, reduction, ...inputs }) => reducing(inputs, { logTarget, reduction })),
);

/** Rates, or their logarithms, for counts on either side of 1. */
export const poissonLosses: Arbitrary<OpSample<'poissonNllLoss'>> = fc
  .record({
    inputs: labelled(positive, fc.nat(3)),
    logInput: fc.boolean(),
    full: fc.boolean(),
    eps: fc.constantFrom(1e-8, 0.25),
    reduction: reductions,
  })
  .map(({ inputs, ...attrs }) => reducing(inputs, attrs));

export const gaussianLosses: Arbitrary<OpSample<'gaussianNllLoss'>> = shapes().chain((shape) =>
  fc
    .record({
      input: tensorOf(shape),
      target: tensorOf(shape),
      variance: tensorOf(shape, positive),
      full: fc.boolean(),
      eps: fc.constantFrom(1e-6, 0.25),
      reduction: reductions,
    })
    .map(({ full, eps, reduction, ...inputs }) => reducing(inputs, { full, eps, reduction })),
);

export const softMarginLosses: Arbitrary<OpSample<'softMarginLoss'>> = fc
  .tuple(labelled(reals, labels), reductions)
  .map(([inputs, reduction]) => reducing(inputs, { reduction }));

export const hingeEmbeddingLosses: Arbitrary<OpSample<'hingeEmbeddingLoss'>> = fc
  .tuple(labelled(evenSixteenths, labels), margins, reductions)
  .map(([inputs, margin, reduction]) => reducing(inputs, { margin, reduction }));

export const marginRankingLosses: Arbitrary<OpSample<'marginRankingLoss'>> = shapes().chain((shape) =>
  fc
    .record({
      a: tensorOf(shape, evenSixteenths),
      b: tensorOf(shape, oddSixteenths),
      target: tensorOf(shape, labels, 'int32'),
      margin: margins,
      reduction: reductions,
    })
    .map(({ margin, reduction, ...inputs }) => reducing(inputs, { margin, reduction })),
);

/** Cosines between vectors without small elements. */
export const cosineEmbeddingLosses: Arbitrary<OpSample<'cosineEmbeddingLoss'>> = fc
  .tuple(shapes({ maxRank: 2 }), positiveSizes)
  .chain(([leading, width]) =>
    fc
      .record({
        a: tensorOf([...leading, width], awayFromZero),
        b: tensorOf([...leading, width], awayFromZero),
        target: tensorOf(leading, labels, 'int32'),
        margin: fc.constantFrom(0.1, -0.3),
        reduction: reductions,
      })
      .map(({ margin, reduction, ...inputs }) => reducing(inputs, { margin, reduction })),
  );

export const tripletMarginLosses: Arbitrary<OpSample<'tripletMarginLoss'>> = fc
  .tuple(shapes({ maxRank: 2 }), positiveSizes)
  .chain(([leading, width]) => {
    const shape = [...leading, width];
    return fc
      .record({
        anchor: tensorOf(shape, evenSixteenths),
        positive: tensorOf(shape, oddSixteenths),
        negative: tensorOf(
          shape,
          oddSixteenths.map((x) => x / 2 + 3),
        ),
        p: fc.constantFrom(1, 2, 3),
        margin: margins,
        eps: fc.constantFrom(1e-6, 1e-3),
        swap: fc.boolean(),
        reduction: reductions,
      })
      .map(({ anchor, positive: near, negative, ...attrs }) => reducing({ anchor, positive: near, negative }, attrs));
  });

export const multiMarginLosses: Arbitrary<OpSample<'multiMarginLoss'>> = fc
  .tuple(shapes({ maxRank: 1, size: positiveSizes }), fc.integer({ min: 1, max: 4 }))
  .chain(([batch, classes]) =>
    fc
      .record({
        input: tensorOf([...batch, classes], evenSixteenths),
        target: tensorOf(batch, fc.nat(classes - 1), 'int32'),
        weight: optional(tensorOf([classes], positive)),
        p: fc.constantFrom(1 as const, 2 as const),
        margin: margins,
        reduction: reductions,
      })
      .map(({ p, margin, reduction, ...inputs }) => reducing(inputs, { p, margin, reduction })),
  );
