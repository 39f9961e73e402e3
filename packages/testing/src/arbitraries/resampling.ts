import type { LinearSample } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { type OpSample, reducing } from './op-sample.ts';
import { positiveSizes, shapes } from './shape.ts';
import { tensorOf } from './tensor.ts';

/** Any samples inside the input: nearest, linear, in no order, skipping some elements. */
const resamplings: Arbitrary<{ leading: number[]; size: number[]; axes: LinearSample[][] }> = fc
  .tuple(shapes({ maxRank: 2 }), fc.array(positiveSizes, { minLength: 1, maxLength: 3 }))
  .chain(([leading, size]) =>
    fc
      .tuple(...size.map((length) => fc.array(sampleIn(length), { minLength: 1, maxLength: 4 })))
      .map((axes) => ({ leading, size, axes: [...axes] })),
  );

function sampleIn(size: number): Arbitrary<LinearSample> {
  return fc.record({
    low: fc.nat(size - 1),
    high: fc.nat(size - 1),
    weight: fc.constantFrom(0, 0, 0.25, 0.5, 1),
  });
}

export const interpolations: Arbitrary<OpSample<'interpolate'>> = resamplings.chain(({ leading, size, axes }) =>
  tensorOf([...leading, ...size]).map((x) => reducing({ x }, { axes })),
);

export const interpolationGrads: Arbitrary<OpSample<'interpolateGrad'>> = resamplings.chain(({ leading, size, axes }) =>
  tensorOf([...leading, ...axes.map(({ length }) => length)]).map((gradOut) => reducing({ gradOut }, { axes, size })),
);
