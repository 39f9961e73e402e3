import fc, { type Arbitrary } from 'fast-check';
import { elementwise, type OpSample, type Sample } from './op-sample.ts';
import { broadcastable, broadcastShapesOf, shapeAndDim, shapes } from './shape.ts';
import {
  awayFromZero,
  boolsOf,
  type Domain,
  fractions,
  oddSixteenths,
  reals,
  type SampleTensor,
  tensorOf,
} from './tensor.ts';

/** One operand of any shape. */
export function unary(domain: Domain): Arbitrary<Sample<{ x: SampleTensor }, undefined>> {
  return unaryWith(domain, fc.constant(undefined));
}

/** One operand of any shape, and attributes. */
export function unaryWith<A>(domain: Domain, attrs: Arbitrary<A>): Arbitrary<Sample<{ x: SampleTensor }, A>> {
  const tensors = shapes().chain((shape) => tensorOf(shape, domain));
  return fc.tuple(tensors, attrs).map(([x, a]) => elementwise({ x }, a));
}

/** Two operands that broadcast. */
export function binary(a: Domain, b: Domain = a): Arbitrary<Sample<{ a: SampleTensor; b: SampleTensor }, undefined>> {
  return broadcastShapesOf(2).chain(([left = [], right = []]) =>
    fc.record({ a: tensorOf(left, a), b: tensorOf(right, b) }).map((inputs) => elementwise(inputs, undefined)),
  );
}

/** A bool operand and two others, all of which broadcast. */
export const wheres: Arbitrary<OpSample<'where'>> = broadcastShapesOf(3).chain(
  ([first = [], second = [], third = []]) =>
    fc
      .record({ condition: boolsOf(first), a: tensorOf(second), b: tensorOf(third) })
      .map((inputs) => elementwise(inputs, undefined)),
);

/** Two ends and a weight, beyond the ends too and never where the formula changes sides. */
export const lerps: Arbitrary<OpSample<'lerp'>> = broadcastShapesOf(3).chain(([first = [], second = [], third = []]) =>
  fc
    .record({ a: tensorOf(first), b: tensorOf(second), weight: tensorOf(third, oddSixteenths) })
    .map((inputs) => elementwise(inputs, undefined)),
);

/** Three operands that broadcast, and a factor. */
export function ternaryWithFactor(a: Domain, b: Domain): Arbitrary<OpSample<'addcmul'>> {
  const factors = fc.constantFrom(1, -0.5, 2);
  return fc
    .tuple(broadcastShapesOf(3), factors)
    .chain(([[first = [], second = [], third = []], value]) =>
      fc
        .record({ input: tensorOf(first), a: tensorOf(second, a), b: tensorOf(third, b) })
        .map((inputs) => elementwise(inputs, { value })),
    );
}

export const prelus: Arbitrary<OpSample<'prelu'>> = shapes().chain((shape) =>
  fc
    .record({
      x: tensorOf(shape, awayFromZero),
      weight: broadcastable(shape).chain((narrow) => tensorOf(narrow, fractions)),
    })
    .map((inputs) => elementwise(inputs, undefined)),
);

/** Along a dimension that can be halved. */
export const glus: Arbitrary<OpSample<'glu'>> = shapeAndDim({ minRank: 1 }).chain(({ shape, dim }) =>
  tensorOf(shape.map((size, d) => (d === dim ? 2 * size : size))).map((x) => elementwise({ x }, { dim })),
);

/** An incoming gradient and what the forward pass has saved, of one shape. */
export function gradAndSaved(domain: Domain): Arbitrary<{ gradOut: SampleTensor; saved: SampleTensor }> {
  return shapes().chain((shape) => fc.record({ gradOut: tensorOf(shape, reals), saved: tensorOf(shape, domain) }));
}
