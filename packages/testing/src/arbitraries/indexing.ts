import fc, { type Arbitrary } from 'fast-check';
import { elementwise, type OpSample, reducing } from './op-sample.ts';
import { positiveSizes, shapeAndDim, shapes } from './shape.ts';
import { indicesOf, type SampleTensor, tensorOf } from './tensor.ts';

const indexShapes: Arbitrary<number[]> = shapes({ maxRank: 2 });

/** The dimension that is indexed is never empty: an empty one would allow no index at all. */
const places: Arbitrary<{ shape: number[]; dim: number; size: number }> = fc
  .tuple(shapeAndDim({ minRank: 1 }), positiveSizes)
  .map(([{ shape, dim }, size]) => ({ shape: replaced(shape, dim, [size]), dim, size }));

function replaced(shape: readonly number[], dim: number, sizes: readonly number[]): number[] {
  return [...shape.slice(0, dim), ...sizes, ...shape.slice(dim + 1)];
}

export const indexSelects: Arbitrary<OpSample<'indexSelect'>> = fc
  .tuple(places, indexShapes)
  .chain(([{ shape, dim, size }, indexShape]) =>
    fc.record({ x: tensorOf(shape), index: indicesOf(indexShape, size) }).map((inputs) => elementwise(inputs, { dim })),
  );

export const indexAdds: Arbitrary<OpSample<'indexAdd'>> = fc
  .tuple(places, indexShapes)
  .chain(([{ shape, dim, size }, indexShape]) =>
    fc
      .record({ index: indicesOf(indexShape, size), source: tensorOf(replaced(shape, dim, indexShape)) })
      .map((inputs) => reducing(inputs, { dim, size })),
  );

/** The index may be shorter than `x` in the other dimensions, and longer or shorter in its own. */
export const gathers: Arbitrary<OpSample<'gather'>> = places.chain(({ shape, dim, size }) =>
  fc
    .tuple(fc.tuple(...shape.map((n) => fc.nat(n))), positiveSizes)
    .chain(([shorter, length]) =>
      fc
        .record({ x: tensorOf(shape), index: indicesOf(replaced(shorter, dim, [length]), size) })
        .map((inputs) => elementwise(inputs, { dim })),
    ),
);

export const scatterAdds: Arbitrary<OpSample<'scatterAdd'>> = fc
  .tuple(places, positiveSizes)
  .chain(([{ shape, dim }, size]) =>
    fc
      .record<{ index: SampleTensor; source: SampleTensor }>({ index: indicesOf(shape, size), source: tensorOf(shape) })
      .map((inputs) => reducing(inputs, { dim, size })),
  );

/** The index may be shorter than `x` in the other dimensions, and name a place twice. */
export const scatters: Arbitrary<OpSample<'scatter'>> = places.chain(({ shape, dim, size }) =>
  fc.tuple(fc.tuple(...shape.map((n) => fc.nat(n))), positiveSizes).chain(([shorter, length]) => {
    const written = replaced(shorter, dim, [length]);
    return fc
      .record({ x: tensorOf(shape), index: indicesOf(written, size), source: tensorOf(written) })
      .map((inputs) => elementwise(inputs, { dim }));
  }),
);
