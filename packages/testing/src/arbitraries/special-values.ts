import { finfo, isFloat, leaves, mapLeaves } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import type { AnySample } from './op-sample.ts';

/** Whatever the order in which they are added up, the result is the same. */
const orderless: readonly number[] = [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];

/** The limits, ties and subnormals of the 16-bit formats and of float32. */
const limits: readonly number[] = [
  ...[finfo('float16'), finfo('bfloat16')].flatMap(({ eps, max, smallestNormal, smallestSubnormal }) => [
    max,
    -max,
    max * (1 + eps / 4),
    smallestNormal,
    smallestNormal * (1 - eps),
    -smallestSubnormal,
    smallestSubnormal / 2,
    1 + eps / 2,
    1 + (3 * eps) / 2,
  ]),
  finfo('float32').smallestSubnormal,
  finfo('float32').max,
];

/** The same calls with infinities, NaN, zeros of both signs and, where order cannot matter, limits among the elements. */
export function withSpecialValues(samples: Arbitrary<AnySample>): Arbitrary<AnySample> {
  return samples.chain((sample) => {
    const length = leaves(sample.inputs).reduce((total, { values }) => total + values.length, 0);
    const replacement = fc.oneof(
      fc.constant(undefined),
      fc.constantFrom(...orderless, ...(sample.reduces ? [] : limits)),
    );
    return fc.array(replacement, { minLength: length, maxLength: length }).map((replacements) => {
      let next = 0;
      const inputs = mapLeaves(sample.inputs, (tensor) => {
        const values = tensor.values.map((x) => replacements[next++] ?? x);
        return isFloat(tensor.dtype) ? { ...tensor, values } : tensor;
      });
      return { ...sample, inputs };
    });
  });
}
