import fc, { type Arbitrary } from 'fast-check';
import { type OpSample, reducing } from './op-sample.ts';
import { broadcastable, broadcastShapesOf, positiveSizes, shapeAndDim, shapes } from './shape.ts';
import { awayFromZero, evenSixteenths, oddSixteenths, tensorOf } from './tensor.ts';

/** Orders of norms that have a second derivative everywhere but at 0. */
const orders: Arbitrary<number> = fc.constantFrom(1, 2, 3);

export const cosineSimilarities: Arbitrary<OpSample<'cosineSimilarity'>> = fc
  .tuple(shapeAndDim({ minRank: 1, size: positiveSizes }), fc.constantFrom(1e-8, 1e-3))
  .chain(([{ shape, dim }, eps]) =>
    fc
      .record({ a: tensorOf(shape, awayFromZero), b: tensorOf(shape, awayFromZero) })
      .map((inputs) => reducing(inputs, { dim, eps })),
  );

/** Of points that differ in every coordinate. */
export const distances: Arbitrary<OpSample<'dist'>> = fc
  .tuple(broadcastShapesOf(2), orders)
  .chain(([[left = [], right = []], p]) =>
    fc
      .record({ a: tensorOf(left, evenSixteenths), b: tensorOf(right, oddSixteenths) })
      .map((inputs) => reducing(inputs, { p })),
  );

/** Batches that broadcast, of rows that differ in every coordinate. */
export const rowDistances: Arbitrary<OpSample<'cdist'>> = fc
  .tuple(shapes({ maxRank: 1 }), positiveSizes, positiveSizes, positiveSizes, orders)
  .chain(([batch, p, r, width, order]) =>
    fc.tuple(broadcastable(batch), broadcastable(batch)).chain(([left, right]) =>
      fc
        .record({
          a: tensorOf([...left, p, width], evenSixteenths),
          b: tensorOf([...right, r, width], oddSixteenths),
        })
        .map((inputs) => reducing(inputs, { p: order })),
    ),
  );
