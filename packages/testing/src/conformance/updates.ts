import {
  type Device,
  type DType,
  decodeValues,
  encodeNumbers,
  finfo,
  isFloat,
  leaves,
  mapLeaves,
  type Tree,
  type UpdateName,
  update,
} from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { describe, test } from 'vitest';
import { type Agreement, identical } from '../agreement.ts';
import type { SampleTensor } from '../arbitraries/tensor.ts';
import { updateSamples } from '../arbitraries/update.ts';
import { expectAgreement, type Reading, read } from './subject.ts';
import { fresh } from './variants.ts';

/** An `UpdateSample` of any update. */
interface AnyUpdateSample {
  readonly inputs: NamedTensors;
  readonly attrs: unknown;
  readonly after: NamedTensors;
}

type NamedTensors = { readonly [name: string]: SampleTensor | undefined | readonly SampleTensor[] };

type AnyUpdate = (name: UpdateName, inputs: unknown, attrs: unknown) => void;

/** What the update kernels of a device have to keep to. */
export function describeUpdates(device: Device, seed: number, lacks: readonly DType[]): void {
  const dtypes = (['float64', 'float32'] as const).filter((dtype) => !lacks.includes(dtype));
  describe.each(Object.keys(updateSamples) as UpdateName[])('%s', (name) => {
    test.each(dtypes)('changes what its formula says, and nothing else, in %s', async (dtype) => {
      const samples = updateSamples[name] as Arbitrary<AnyUpdateSample>;
      const property = fc.asyncProperty(samples, async ({ inputs, attrs, after }) => {
        const tensors = mapLeaves(inDType(inputs, dtype), (tensor) => fresh(device, tensor));
        (update as AnyUpdate)(name, tensors, attrs);
        const expected = leaves<SampleTensor>(inDType({ ...inputs, ...after }, dtype));
        for (const [i, reading] of (await read(tensors)).entries())
          expectState(i, reading, expected[i] as SampleTensor);
      });
      await fc.assert(property, { numRuns: 40, seed });
    });
  });
}

function expectState(i: number, { values }: Reading, expected: SampleTensor): void {
  const stored = decodeValues(encodeNumbers(expected.values, expected.dtype), expected.dtype);
  expectAgreement(`tensor ${i}`, values, stored, isFloat(expected.dtype) ? rounded(expected.dtype) : identical);
}

/** A handful of roundings of values below 8, relative to a larger result. */
function rounded(dtype: DType): Agreement {
  const { eps } = finfo(dtype);
  return (actual, expected) =>
    Object.is(actual, expected) || Math.abs(actual - expected) <= 64 * eps * Math.max(1, Math.abs(expected));
}

function inDType(inputs: Tree<SampleTensor>, dtype: DType): Tree<SampleTensor> {
  return mapLeaves(inputs, (tensor): SampleTensor => (tensor.dtype === 'float64' ? { ...tensor, dtype } : tensor));
}
