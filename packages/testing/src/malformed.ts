import {
  type Device,
  type DType,
  dtypeNames,
  infer,
  leaves,
  mapLeaves,
  type OpName,
  showSpec,
  sizeOf,
  TensorError,
  type TensorSpec,
  type Tree,
} from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnySample } from './arbitraries/op-sample.ts';
import { shapes } from './arbitraries/shape.ts';
import type { SampleTensor } from './arbitraries/tensor.ts';
import { call, read } from './conformance/subject.ts';
import { fresh } from './conformance/variants.ts';
import { samples } from './samples.ts';

/** Finding the smallest call that goes wrong takes longer than trying many that do not. */
const shrinkingTimeLimitMs = 60_000;

/** No memory holds as many elements. */
const impossible = 2 ** 52;

const oddNumbers: Arbitrary<number> = fc.constantFrom(
  ...[-2, -1, 0, 1, 2, 3, 5, 0.5, impossible, -impossible],
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
);

const anyDType: Arbitrary<DType> = fc.constantFrom(...dtypeNames);

/** Elements that are indices, out of range now and then, when they are integers. */
const anyTensor: Arbitrary<SampleTensor> = fc
  .tuple(shapes({ maxRank: 4 }), anyDType)
  .chain(([shape, dtype]) =>
    fc
      .array(fc.integer({ min: -2, max: 6 }), { minLength: sizeOf(shape), maxLength: sizeOf(shape) })
      .map((values): SampleTensor => ({ shape, dtype, values })),
  );

/**
 * Feeds calls of every op that are valid but for some shapes, dtypes and attributes, as vitest suites: each gives a result as
 * announced, or a TensorError, and never anything else.
 */
export function describeMalformedCalls(device: Device, { seed = 1 }: { readonly seed?: number } = {}): void {
  describe(`${device.name} answers to malformed calls`, () => {
    test.each(Object.keys(samples) as OpName[])(
      '%s',
      async (op) => {
        const seen = { results: 0, refusals: 0 };
        const property = fc.asyncProperty(spoilt(samples[op]), async ({ inputs, attrs }) => {
          const announced = trying(() => leaves((infer[op] as Rule)(inputs, attrs)));
          const given = mapLeaves(inputs, (tensor) => fresh(device, tensor));
          const result = trying(() => call(op, given, attrs));
          if (announced instanceof TensorError) {
            seen.refusals++;
            expect((result as TensorError).code).toBe(announced.code);
            return;
          }
          // Values, such as an index out of range, are seen by kernels only.
          if (result instanceof TensorError) return;
          seen.results++;
          const readings = await read(result);
          expect(readings.map(showSpec)).toEqual(announced.map(showSpec));
          for (const { shape, values } of readings) expect(values.length).toBe(sizeOf(shape));
        });
        await fc.assert(property, { numRuns: 150, seed });
        expect(seen.results, 'calls that were not malformed after all').toBeGreaterThan(0);
        expect(seen.refusals, 'calls that were').toBeGreaterThan(0);
      },
      shrinkingTimeLimitMs,
    );
  });
}

type Rule = (inputs: Tree<TensorSpec>, attrs: unknown) => Tree<TensorSpec>;

/** What `body` returns, or the TensorError that it throws; any other error passes. */
function trying<R>(body: () => R): R | TensorError {
  try {
    return body();
  } catch (error) {
    if (error instanceof TensorError) return error;
    throw error;
  }
}

/** Calls with some tensors replaced by others, in another dtype, or with attributes that make no sense. */
function spoilt(valid: Arbitrary<AnySample>): Arbitrary<AnySample> {
  return valid.chain((sample) => {
    const tensors = leaves<SampleTensor>(sample.inputs).map((tensor) =>
      fc.oneof(
        { weight: 4, arbitrary: fc.constant(tensor) },
        { weight: 1, arbitrary: anyTensor },
        { weight: 1, arbitrary: anyDType.map((dtype): SampleTensor => ({ ...tensor, dtype })) },
        { weight: 1, arbitrary: shapesOfSize(tensor) },
      ),
    );
    return fc.tuple(fc.tuple(...tensors), spoiltAttrs(sample.attrs)).map(([replacements, attrs]): AnySample => {
      let next = 0;
      return { ...sample, inputs: mapLeaves(sample.inputs, () => replacements[next++] as SampleTensor), attrs };
    });
  });
}

/** The same elements without dimensions, or with one more. */
function shapesOfSize(tensor: SampleTensor): Arbitrary<SampleTensor> {
  return fc.constantFrom([tensor.values.length], [...tensor.shape, 1], [1, ...tensor.shape]).map((shape) => ({
    ...tensor,
    shape,
  }));
}

/** Attributes with some of their numbers, or of the entries of their lists, changed. */
function spoiltAttrs(attrs: unknown): Arbitrary<unknown> {
  const spoil = (value: unknown): Arbitrary<unknown> => {
    if (typeof value === 'number') {
      return fc.oneof({ weight: 5, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: oddNumbers });
    }
    if (typeof value === 'string') {
      return fc.oneof({ weight: 8, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.string() });
    }
    if (Array.isArray(value)) {
      const entries = fc.tuple(...value.map(spoil));
      return fc.oneof(
        { weight: 6, arbitrary: entries },
        { weight: 1, arbitrary: entries.map((list) => list.slice(1)) },
        { weight: 1, arbitrary: entries.map((list) => [...list, ...list]) },
      );
    }
    if (typeof value !== 'object' || value === null) return fc.constant(value);
    return fc.record(Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, spoil(entry)])));
  };
  return fc.oneof(fc.constant(attrs), spoil(attrs));
}
