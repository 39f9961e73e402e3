import type { PoolWindow } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { type OpSample, reducing } from './op-sample.ts';
import { positiveSizes, shapes } from './shape.ts';
import { distinctTensorOf, tensorOf } from './tensor.ts';

/** Any windows inside the input: strided, dilated, overlapping, cut off by padding, adaptive. */
const poolings: Arbitrary<{ leading: number[]; size: number[]; windows: PoolWindow[][] }> = fc
  .tuple(shapes({ maxRank: 2 }), fc.array(positiveSizes, { minLength: 1, maxLength: 3 }))
  .chain(([leading, size]) =>
    fc
      .tuple(...size.map((length) => fc.array(windowIn(length), { minLength: 1, maxLength: 3 })))
      .map((windows) => ({ leading, size, windows: [...windows] })),
  );

function windowIn(size: number): Arbitrary<PoolWindow> {
  return fc
    .record({
      start: fc.nat(size - 1),
      length: positiveSizes,
      step: fc.integer({ min: 1, max: 2 }),
      count: positiveSizes,
    })
    .map(({ start, length, step, count }) => ({ start, end: Math.min(start + length, size), step, count }));
}

export const maxPools: Arbitrary<OpSample<'maxPool'>> = poolings.chain(({ leading, size, windows }) =>
  distinctTensorOf([...leading, ...size]).map((x) => reducing({ x }, { windows })),
);

export const avgPools: Arbitrary<OpSample<'avgPool'>> = poolings.chain(({ leading, size, windows }) =>
  tensorOf([...leading, ...size]).map((x) => reducing({ x }, { windows })),
);

export const avgPoolGrads: Arbitrary<OpSample<'avgPoolGrad'>> = poolings.chain(({ leading, size, windows }) =>
  tensorOf([...leading, ...windows.map(({ length }) => length)]).map((gradOut) =>
    reducing({ gradOut }, { windows, size }),
  ),
);
