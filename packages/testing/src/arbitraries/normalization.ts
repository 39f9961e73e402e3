import { sizeOf } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { type OpSample, reducing } from './op-sample.ts';
import { positiveSizes, shapes } from './shape.ts';
import { type Domain, distinctTensorOf, optional, positive, reals, type SampleTensor, tensorOf } from './tensor.ts';

const epsilons: Arbitrary<number> = fc.constantFrom(1e-5, 1e-3, 0.5);

/** The normalised dimensions are never empty; those in front may be. */
const layers: Arbitrary<{ shape: number[]; normalized: number[]; eps: number }> = fc
  .tuple(shapes({ maxRank: 2 }), shapes({ minRank: 1, maxRank: 2, size: positiveSizes }), epsilons)
  .map(([leading, normalized, eps]) => ({ shape: [...leading, ...normalized], normalized, eps }));

export const layerNorms: Arbitrary<OpSample<'layerNorm'>> = layers.chain(({ shape, normalized, eps }) =>
  fc
    .record({
      x: distinctTensorOf(shape),
      weight: optional(tensorOf(normalized)),
      bias: optional(tensorOf(normalized)),
    })
    .map((inputs) => reducing(inputs, { rank: normalized.length, eps })),
);

/** The derivative by `x` is what the second derivative of `layerNorm` checks: here the statistics would not follow it. */
export const layerNormGrads: Arbitrary<OpSample<'layerNormGrad'>> = layers.chain(({ shape, normalized, eps }) =>
  fc
    .record({ gradOut: tensorOf(shape), x: distinctTensorOf(shape), weight: optional(tensorOf(normalized)) })
    .map(({ gradOut, x, weight }) => {
      const rank = normalized.length;
      const statistics = shape.map((size, dim) => (dim < shape.length - rank ? size : 1));
      const count = sizeOf(normalized);
      const { mean, variance } = moments(x, sizeOf(statistics), (at) => Math.floor(at / count));
      const rstd = variance.map((v) => 1 / Math.sqrt(v + eps));
      return reducing(
        { gradOut, x, weight, mean: statistic(statistics, mean), rstd: statistic(statistics, rstd) },
        { rank, eps },
        ['x', 'mean', 'rstd'],
      );
    }),
);

export const rmsNorms: Arbitrary<OpSample<'rmsNorm'>> = layers.chain(({ shape, normalized, eps }) =>
  fc
    .record({ x: distinctTensorOf(shape), weight: optional(tensorOf(normalized)) })
    .map((inputs) => reducing(inputs, { rank: normalized.length, eps })),
);

/** Groups of one to three channels, with more than one value each. */
export const groupNorms: Arbitrary<OpSample<'groupNorm'>> = fc
  .record({
    samples: fc.integer({ min: 1, max: 2 }),
    groups: fc.integer({ min: 1, max: 2 }),
    width: fc.integer({ min: 1, max: 3 }),
    spatial: fc.integer({ min: 2, max: 3 }),
    eps: epsilons,
  })
  .chain(({ samples, groups, width, spatial, eps }) => {
    const channels = [groups * width];
    return fc
      .record({
        x: distinctTensorOf([samples, ...channels, spatial]),
        weight: optional(tensorOf(channels)),
        bias: optional(tensorOf(channels)),
      })
      .map((inputs) => reducing(inputs, { groups, eps }));
  });

/** More than one value per channel. */
const batches: Arbitrary<{ shape: number[]; eps: number }> = fc
  .tuple(
    fc.integer({ min: 2, max: 4 }),
    fc.integer({ min: 1, max: 3 }),
    shapes({ maxRank: 2, size: fc.integer({ min: 1, max: 2 }) }),
    epsilons,
  )
  .map(([batch, channels, spatial, eps]) => ({ shape: [batch, channels, ...spatial], eps }));

export const batchNorms: Arbitrary<OpSample<'batchNorm'>> = fc
  .tuple(batches, fc.boolean())
  .chain(([{ shape, eps }, running]) => {
    const channels = shape.slice(1, 2);
    return fc
      .record({
        x: distinctTensorOf(shape),
        weight: optional(tensorOf(channels)),
        bias: optional(tensorOf(channels)),
        runningMean: running ? givenStatistics(channels, reals) : fc.constant(undefined),
        runningVar: running ? givenStatistics(channels, positive) : fc.constant(undefined),
      })
      .map((inputs) => reducing(inputs, { eps }, ['runningMean', 'runningVar']));
  });

/** With the statistics of its own batch, which `x` would drag along, and with given ones, which it would not. */
export const batchNormGrads: Arbitrary<OpSample<'batchNormGrad'>> = fc
  .tuple(batches, fc.constantFrom('batch' as const, 'given' as const))
  .chain(([{ shape, eps }, statistics]) => {
    const channels = shape.slice(1, 2);
    return fc
      .record({
        gradOut: tensorOf(shape, reals),
        x: distinctTensorOf(shape),
        weight: optional(tensorOf(channels)),
        mean: givenStatistics(channels, reals),
        variance: givenStatistics(channels, positive),
      })
      .map((inputs) => {
        if (statistics === 'given') return reducing(inputs, { eps, statistics });
        const own = moments(inputs.x, sizeOf(channels), channelIn(shape));
        const mean = statistic(channels, own.mean);
        const variance = statistic(channels, own.variance);
        return reducing({ ...inputs, mean, variance }, { eps, statistics }, ['x', 'mean', 'variance']);
      });
  });

function channelIn(shape: readonly number[]): (at: number) => number {
  const inner = sizeOf(shape.slice(2));
  return (at) => Math.floor(at / inner) % (shape[1] as number);
}

function statistic(shape: readonly number[], values: readonly number[]): SampleTensor {
  return { shape, dtype: 'float64', values, isStatistic: true };
}

/** Statistics that come from elsewhere. */
function givenStatistics(shape: readonly number[], domain: Domain): Arbitrary<SampleTensor> {
  return tensorOf(shape, domain).map(({ values }) => statistic(shape, values));
}

/** The mean and the biased variance of each group of elements. */
function moments(
  { values }: SampleTensor,
  groups: number,
  groupOf: (at: number) => number,
): { mean: number[]; variance: number[] } {
  const members = Array.from({ length: groups }, (_, group) => values.filter((_x, at) => groupOf(at) === group));
  const average = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
  const mean = members.map(average);
  const variance = members.map((list, group) => average(list.map((x) => (x - (mean[group] as number)) ** 2)));
  return { mean, variance };
}
