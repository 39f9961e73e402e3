import type { ConvolutionAttrs } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { type OpSample, reducing } from './op-sample.ts';
import { broadcastable, shapes } from './shape.ts';
import { optional, tensorOf } from './tensor.ts';

const sizes: Arbitrary<number> = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constant(0) },
);

/** Batched, broadcast, with every combination of transposes, and with an inner dimension that may be empty. */
export const matmuls: Arbitrary<OpSample<'matmul'>> = fc
  .record({
    batch: shapes({ maxRank: 2 }),
    m: sizes,
    k: sizes,
    n: sizes,
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
  })
  .chain(({ batch, m, k, n, transposeA, transposeB }) =>
    fc.tuple(broadcastable(batch), broadcastable(batch)).chain(([left, right]) =>
      fc
        .record({
          a: tensorOf([...left, ...(transposeA ? [k, m] : [m, k])]),
          b: tensorOf([...right, ...(transposeB ? [n, k] : [k, n])]),
        })
        .map((inputs) => reducing(inputs, { transposeA, transposeB })),
    ),
  );

export const addmms: Arbitrary<OpSample<'addmm'>> = fc.tuple(sizes, sizes, sizes).chain(([m, k, n]) =>
  fc
    .record({
      input: broadcastable([m, n]).chain((narrow) => tensorOf(narrow)),
      a: tensorOf([m, k]),
      b: tensorOf([k, n]),
      beta: fc.constantFrom(1, 0.5),
      alpha: fc.constantFrom(1, -2),
    })
    .map(({ beta, alpha, ...inputs }) => reducing(inputs, { beta, alpha })),
);

export const linears: Arbitrary<OpSample<'linear'>> = fc
  .tuple(shapes({ maxRank: 2 }), sizes, sizes)
  .chain(([leading, inFeatures, outFeatures]) =>
    fc
      .record({
        x: tensorOf([...leading, inFeatures]),
        weight: tensorOf([outFeatures, inFeatures]),
        bias: optional(tensorOf([outFeatures])),
      })
      .map((inputs) => reducing(inputs, undefined)),
  );

/** The three tensors that a convolution relates. */
interface Convolution {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly out: readonly number[];
  readonly attrs: ConvolutionAttrs;
}

interface ConvolvedDim {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly input: number;
  readonly output: number;
}

const upTo = (max: number): Arbitrary<number> => fc.integer({ min: 1, max });

/** Built from the output, with a remainder that the stride leaves unused. */
const convolvedDim: Arbitrary<ConvolvedDim> = fc
  .record({
    kernel: upTo(3),
    stride: upTo(2),
    padding: fc.nat(2),
    dilation: upTo(2),
    output: upTo(2),
    unused: fc.nat(1),
  })
  .map(({ unused, ...dim }) => {
    const reach = dim.dilation * (dim.kernel - 1) + 1;
    const padded = reach + (dim.output - 1) * dim.stride + Math.min(unused, dim.stride - 1);
    const padding = Math.min(dim.padding, Math.floor((padded - 1) / 2));
    return { ...dim, padding, input: padded - 2 * padding };
  });

/** One to three spatial dimensions, groups, and now and then an empty batch. */
const convolutionShapes: Arbitrary<Convolution> = fc
  .record({
    batch: fc.oneof({ weight: 8, arbitrary: upTo(2) }, { weight: 1, arbitrary: fc.constant(0) }),
    groups: upTo(2),
    inPerGroup: upTo(2),
    outPerGroup: upTo(2),
    dims: fc.oneof(
      { weight: 3, arbitrary: fc.tuple(convolvedDim, convolvedDim) },
      { weight: 1, arbitrary: fc.tuple(convolvedDim) },
      { weight: 1, arbitrary: fc.tuple(convolvedDim, convolvedDim, convolvedDim) },
    ),
  })
  .map(({ batch, groups, inPerGroup, outPerGroup, dims }) => {
    const each = (pick: (dim: ConvolvedDim) => number): number[] => dims.map(pick);
    return {
      x: [batch, groups * inPerGroup, ...each(({ input }) => input)],
      weight: [groups * outPerGroup, inPerGroup, ...each(({ kernel }) => kernel)],
      out: [batch, groups * outPerGroup, ...each(({ output }) => output)],
      attrs: {
        stride: each(({ stride }) => stride),
        padding: each(({ padding }) => padding),
        dilation: each(({ dilation }) => dilation),
        groups,
      },
    };
  });

export const convolutions: Arbitrary<OpSample<'convolution'>> = convolutionShapes.chain(({ x, weight, attrs }) =>
  fc
    .record({ x: tensorOf(x), weight: tensorOf(weight), bias: optional(tensorOf(weight.slice(0, 1))) })
    .map((inputs) => reducing(inputs, attrs)),
);

export const convolutionInputGrads: Arbitrary<OpSample<'convolutionInputGrad'>> = convolutionShapes.chain(
  ({ x, weight, out, attrs }) =>
    fc
      .record({ gradOut: tensorOf(out), weight: tensorOf(weight) })
      .map((inputs) => reducing(inputs, { ...attrs, size: x.slice(2) })),
);

export const convolutionWeightGrads: Arbitrary<OpSample<'convolutionWeightGrad'>> = convolutionShapes.chain(
  ({ x, weight, out, attrs }) =>
    fc
      .record({ gradOut: tensorOf(out), x: tensorOf(x) })
      .map((inputs) => reducing(inputs, { ...attrs, size: weight.slice(2) })),
);
