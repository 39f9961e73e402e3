import fc, { type Arbitrary } from 'fast-check';
import { elementwise, type Sample } from './op-sample.ts';
import { broadcastShapesOf, shapes } from './shape.ts';
import { boolsOf, type Domain, reals, type SampleTensor, tensorOf } from './tensor.ts';

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
export const ternary: Arbitrary<Sample<{ condition: SampleTensor; a: SampleTensor; b: SampleTensor }, undefined>> =
  broadcastShapesOf(3).chain(([first = [], second = [], third = []]) =>
    fc
      .record({ condition: boolsOf(first), a: tensorOf(second), b: tensorOf(third) })
      .map((inputs) => elementwise(inputs, undefined)),
  );

/** An incoming gradient and what the forward pass has saved, of one shape. */
export function gradAndSaved(domain: Domain): Arbitrary<{ gradOut: SampleTensor; saved: SampleTensor }> {
  return shapes().chain((shape) => fc.record({ gradOut: tensorOf(shape, reals), saved: tensorOf(shape, domain) }));
}
