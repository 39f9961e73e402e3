import type { DimPadding, DimSlice } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { elementwise, type OpSample } from './op-sample.ts';
import { broadcastable, dimsOf, positiveSizes, shapeAndDim, shapes } from './shape.ts';
import { type SampleTensor, tensorOf } from './tensor.ts';

/** Joins neighbours and inserts ones, which keeps the number of elements. */
export const reshapes: Arbitrary<OpSample<'reshape'>> = shapes().chain((shape) =>
  fc.tuple(tensorOf(shape), fc.nat(shape.length), fc.nat(shape.length)).map(([x, joined, inserted]) => {
    const flat = shape.slice(0, joined).reduce((size, length) => size * length, 1);
    const target = joined === 0 ? [...shape] : [flat, ...shape.slice(joined)];
    target.splice(Math.min(inserted, target.length), 0, ...(inserted % 2 ? [1] : []));
    return elementwise({ x }, { shape: target });
  }),
);

export const permutes: Arbitrary<OpSample<'permute'>> = shapes().chain((shape) => {
  const dims = shape.map((_, dim) => dim);
  const orders = fc.shuffledSubarray(dims, { minLength: dims.length, maxLength: dims.length });
  return fc.tuple(tensorOf(shape), orders).map(([x, order]) => elementwise({ x }, { dims: order }));
});

export const expands: Arbitrary<OpSample<'expand'>> = shapes().chain((shape) =>
  broadcastable(shape)
    .chain((source) => tensorOf(source))
    .map((x) => elementwise({ x }, { shape })),
);

export const slices: Arbitrary<OpSample<'slice'>> = shapes().chain((shape) =>
  fc
    .tuple(tensorOf(shape), fc.tuple(...shape.map(rangeOf)))
    .map(([x, ranges]) => elementwise({ x }, { slices: ranges })),
);

function rangeOf(size: number): Arbitrary<DimSlice> {
  return fc
    .tuple(fc.nat(size), fc.nat(size), fc.integer({ min: 1, max: 3 }))
    .map(([i, j, step]) => ({ start: Math.min(i, j), end: Math.max(i, j), step }));
}

const amount = fc.nat(2);
const dimPadding: Arbitrary<DimPadding> = fc.record({ low: amount, high: amount, interior: amount });

export const pads: Arbitrary<OpSample<'pad'>> = shapes().chain((shape) => {
  const padding = fc.array(dimPadding, { minLength: shape.length, maxLength: shape.length });
  return fc
    .tuple(tensorOf(shape), padding, fc.constantFrom(0, 1, -0.5))
    .map(([x, amounts, value]) => elementwise({ x }, { padding: amounts, value }));
});

export const concats: Arbitrary<OpSample<'concat'>> = shapeAndDim({ minRank: 1 }).chain(({ shape, dim }) => {
  const lengths = fc.array(fc.oneof(positiveSizes, fc.constant(0)), { minLength: 1, maxLength: 3 });
  const piece = (length: number): Arbitrary<SampleTensor> =>
    tensorOf(shape.map((size, d) => (d === dim ? length : size)));
  return lengths
    .chain((list) => fc.tuple(...list.map(piece)))
    .map((tensors) => elementwise({ tensors: [...tensors] }, { dim }));
});

export const flips: Arbitrary<OpSample<'flip'>> = shapes().chain((shape) =>
  fc.tuple(tensorOf(shape), dimsOf(shape)).map(([x, dims]) => elementwise({ x }, { dims })),
);
