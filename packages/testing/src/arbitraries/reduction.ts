import { type DType, type Reduction, sizeOf } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { elementwise, type OpSample, reducing } from './op-sample.ts';
import { dimsOf, positiveSizes, shapeAndDim, shapes } from './shape.ts';
import { distinctTensorOf, reals, type SampleTensor, tensorOf, tied } from './tensor.ts';

const explicitDTypes: Arbitrary<DType | undefined> = fc.constantFrom(undefined, undefined, 'float64', 'float32');

function reductions(size?: Arbitrary<number>): Arbitrary<{ shape: number[] } & Reduction> {
  return shapes(size && { size }).chain((shape) =>
    fc.record({ shape: fc.constant(shape), dims: dimsOf(shape), keepDim: fc.boolean() }),
  );
}

export const sums: Arbitrary<OpSample<'sum'>> = fc
  .tuple(reductions(), explicitDTypes)
  .chain(([{ shape, dims, keepDim }, dtype]) => tensorOf(shape).map((x) => reducing({ x }, { dims, keepDim, dtype })));

/** Also of no elements, which is NaN. */
export const means: Arbitrary<OpSample<'mean'>> = reductions().chain(({ shape, dims, keepDim }) =>
  tensorOf(shape).map((x) => reducing({ x }, { dims, keepDim })),
);

export const variances: Arbitrary<OpSample<'variance'>> = reductions(positiveSizes).chain(({ shape, dims, keepDim }) =>
  fc.tuple(tensorOf(shape), fc.constantFrom(0, 1)).map(([x, wanted]) => {
    const count = sizeOf(dims.map((dim) => shape[dim] ?? 1));
    return reducing({ x }, { dims, keepDim, correction: count > 1 ? wanted : 0 });
  }),
);

/** Of elements that differ: where all are equal a deviation has a kink. */
export const deviations: Arbitrary<OpSample<'std'>> = reductions(positiveSizes).chain(({ shape, dims, keepDim }) =>
  fc.tuple(distinctTensorOf(shape), fc.constantFrom(0, 1)).map(([x, wanted]) => {
    const count = sizeOf(dims.map((dim) => shape[dim] ?? 1));
    return reducing({ x }, { dims, keepDim, correction: count > 1 ? wanted : 0 });
  }),
);

/** With a zero among the factors now and then, or two. */
export const products: Arbitrary<OpSample<'prod'>> = fc
  .tuple(reductions(), explicitDTypes)
  .chain(([{ shape, dims, keepDim }, dtype]) =>
    tensorOf(shape, fc.oneof({ weight: 4, arbitrary: reals }, fc.constant(0))).map((x) =>
      reducing({ x }, { dims, keepDim, dtype }),
    ),
  );

/** Magnitudes that differ, and none near 0, where norms of most orders have a kink. */
export const norms: Arbitrary<OpSample<'norm'>> = fc
  .tuple(reductions(positiveSizes), explicitDTypes, fc.constantFrom(1, 2, 3, 1.5, Number.POSITIVE_INFINITY))
  .chain(([{ shape, dims, keepDim }, dtype, p]) =>
    distinctTensorOf(shape).map(({ values, ...x }) => {
      const apart = values.map((value, i) => (i % 2 ? -1 : 1) * (value + values.length / 4 + 0.5));
      return reducing({ x: { ...x, values: apart } }, { dims, keepDim, dtype, p });
    }),
  );

export const logSums: Arbitrary<OpSample<'logsumexp'>> = reductions(positiveSizes).chain(({ shape, dims, keepDim }) =>
  tensorOf(shape).map((x) => reducing({ x }, { dims, keepDim })),
);

export const cumulatives: Arbitrary<OpSample<'cumsum'>> = fc
  .tuple(shapeAndDim(), explicitDTypes)
  .chain(([{ shape, dim }, dtype]) => tensorOf(shape).map((x) => reducing({ x }, { dim, dtype })));

/** With ties, which must keep their order. */
export const argsorts: Arbitrary<OpSample<'argsort'>> = fc
  .tuple(shapeAndDim(), fc.boolean())
  .chain(([{ shape, dim }, descending]) => tensorOf(shape, tied).map((x) => elementwise({ x }, { dim, descending })));

export const maxima: Arbitrary<OpSample<'amax'>> = reductions(positiveSizes).chain(({ shape, dims, keepDim }) =>
  distinctTensorOf(shape).map((x) => reducing({ x }, { dims, keepDim })),
);

/** With ties, of which the first must win. */
export const argmaxima: Arbitrary<OpSample<'argmax'>> = fc
  .tuple(shapeAndDim({ size: positiveSizes }), fc.boolean())
  .chain(([{ shape, dim }, keepDim]) => tensorOf(shape, tied).map((x) => reducing({ x }, { dim, keepDim })));

export const softmaxes: Arbitrary<OpSample<'softmax'>> = fc
  .tuple(shapeAndDim(), explicitDTypes)
  .chain(([{ shape, dim }, dtype]) => tensorOf(shape).map((x) => reducing({ x }, { dim, dtype })));

export const softmaxGrads: Arbitrary<OpSample<'softmaxGrad'>> = shapeAndDim().chain(({ shape, dim }) =>
  fc
    .record<{ gradOut: SampleTensor; out: SampleTensor }>({ gradOut: tensorOf(shape, reals), out: tensorOf(shape) })
    .map((inputs) => reducing(inputs, { dim })),
);
