import { broadcastShapes } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { type OpSample, reducing } from './op-sample.ts';
import { broadcastable, positiveSizes, shapes } from './shape.ts';
import { boolsOf, optional, type SampleTensor, tensorOf } from './tensor.ts';

export const dots: Arbitrary<OpSample<'dot'>> = shapes({ minRank: 1, maxRank: 1, size: fc.nat(20) }).chain((shape) =>
  fc.record({ a: tensorOf(shape), b: tensorOf(shape) }).map((inputs) => reducing(inputs, undefined)),
);

/** Shapes that broadcast, but for the dimension of three. */
export const crosses: Arbitrary<OpSample<'cross'>> = shapes({ maxRank: 2 }).chain((others) =>
  fc
    .record({
      dim: fc.nat(others.length),
      ones: fc.array(fc.boolean(), { minLength: others.length, maxLength: others.length }),
    })
    .chain(({ dim, ones }) => {
      const narrow = others.map((size, i) => (ones[i] ? 1 : size));
      return fc
        .record({ a: tensorOf(others.toSpliced(dim, 0, 3)), b: tensorOf(narrow.toSpliced(dim, 0, 3)) })
        .map((inputs) => reducing(inputs, { dim }));
    }),
);

/** Paired dimensions anywhere in either operand. */
export const tensordots: Arbitrary<OpSample<'tensordot'>> = fc
  .record({
    inner: shapes({ maxRank: 2 }),
    left: shapes({ maxRank: 2 }),
    right: shapes({ maxRank: 2 }),
  })
  .chain(({ inner, left, right }) =>
    fc
      .tuple(scattered(inner, left), scattered(inner, right))
      .chain(([a, b]) =>
        fc
          .record({ a: tensorOf(a.shape), b: tensorOf(b.shape) })
          .map((inputs) => reducing(inputs, { dimsA: a.dims, dimsB: b.dims })),
      ),
  );

/** A shape made of two, and where the dimensions of the first have gone. */
function scattered(
  inner: readonly number[],
  others: readonly number[],
): Arbitrary<{ shape: number[]; dims: number[] }> {
  const all = [...inner, ...others];
  const places = all.map((_, i) => i);
  return fc
    .shuffledSubarray(places, { minLength: places.length, maxLength: places.length })
    .map((order) => ({ shape: order.map((i) => all[i] as number), dims: inner.map((_, i) => order.indexOf(i)) }));
}

/** Products, traces, transposes, sums, outer products, batches and ellipses, of up to three operands. */
const equations: readonly string[] = [
  'ij,jk->ik',
  'bij,bjk->bik',
  'bhqd,bhkd->bhqk',
  'ij->ji',
  'ij->',
  'ii->i',
  'ii',
  'iij,jk->ki',
  'i,j->ij',
  'i,i->',
  'ij,ij->ij',
  'bi,oij,bj->bo',
  '...ij,...jk->...ik',
  '...i,i->...',
  'i...j->...',
  'ba,cb,dc',
  'ij,kl->il',
];

export const einsums: Arbitrary<OpSample<'einsum'>> = fc
  .record({
    equation: fc.constantFrom(...equations),
    sizes: fc.array(positiveSizes, { minLength: 26, maxLength: 26 }),
    unnamed: shapes({ maxRank: 2 }),
    ones: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
  })
  .chain(({ equation, sizes, unnamed, ones }) => {
    const terms = (equation.split('->')[0] ?? '').split(',');
    const size = (letter: string): number => sizes[letter.charCodeAt(0) - 'a'.charCodeAt(0)] as number;
    const operands = terms.map((term, operand) => {
      const [before = '', after] = term.split('...');
      // Unnamed dimensions of size 1 broadcast, in one of the operands.
      const rest = unnamed.map((n, i) => (ones[operand * 2 + i] ? 1 : n));
      return tensorOf([
        ...[...before].map(size),
        ...(after === undefined ? [] : rest),
        ...[...(after ?? '')].map(size),
      ]);
    });
    return fc.tuple(...operands).map((tensors) => reducing({ tensors: [...tensors] }, { equation }));
  });

export const bilinears: Arbitrary<OpSample<'bilinear'>> = fc
  .tuple(shapes({ maxRank: 2 }), positiveSizes, positiveSizes, positiveSizes)
  .chain(([leading, out, left, right]) =>
    fc
      .record({
        a: tensorOf([...leading, left]),
        b: tensorOf([...leading, right]),
        weight: tensorOf([out, left, right]),
        bias: optional(tensorOf([out])),
      })
      .map((inputs) => reducing(inputs, undefined)),
  );

/** Batches that broadcast, with either kind of mask, causality and dropout. */
export const attentions: Arbitrary<OpSample<'scaledDotProductAttention'>> = fc
  .record({
    batch: shapes({ maxRank: 2, size: positiveSizes }),
    queries: positiveSizes,
    keys: positiveSizes,
    width: positiveSizes,
    values: positiveSizes,
    attrs: fc.record({
      causal: fc.boolean(),
      scale: fc.constantFrom(0.5, 1),
      p: fc.constantFrom(0, 0, 0.5),
      seed: fc.nat(10),
      offset: fc.nat(10),
    }),
  })
  .chain(({ batch, queries, keys, width, values, attrs }) =>
    fc
      .tuple(broadcastable(batch), broadcastable(batch), broadcastable(batch))
      .chain(([left, middle, right]) => {
        const common = [middle, right].reduce((soFar, other) => broadcastShapes(soFar, other) as number[], left);
        return fc.tuple(fc.constant([left, middle, right]), broadcastable([...common, queries, keys]));
      })
      .chain(([[left = [], middle = [], right = []], mask]) =>
        fc
          .record<{ query: SampleTensor; key: SampleTensor; value: SampleTensor; mask: SampleTensor | undefined }>({
            query: tensorOf([...left, queries, width]),
            key: tensorOf([...middle, keys, width]),
            value: tensorOf([...right, keys, values]),
            mask: fc.oneof(optional(boolsOf(mask)), tensorOf(mask)),
          })
          .map((inputs) => reducing(inputs, attrs)),
      ),
  );
