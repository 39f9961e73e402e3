import {
  bfloat16Value,
  type Device,
  type DType,
  decodeValues,
  encodeNumbers,
  finfo,
  isFloat,
  leaves,
  mapLeaves,
  type Tree,
  tensor,
  type UpdateName,
  update,
  zeros,
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

  test.skipIf(lacks.includes('bfloat16'))(
    'assign rounds by noise to one of the two nearest bfloat16 numbers',
    async () => {
      const cases = fc.array(fc.tuple(fc.nat(0xffff), fc.nat(0xffff), ordinaryUpperHalf), {
        minLength: 1,
        maxLength: 8,
      });
      const property = fc.asyncProperty(cases, async (words) => {
        const source = Float32Array.from(words, ([low, , high]) => float32Of(high * 0x1_0000 + low));
        const noise = Float32Array.from(words, ([, chance]) => chance / 0x1_0000);
        const target = zeros([words.length], { dtype: 'bfloat16', device });
        update('assign', { target, source: tensor(source, { device }), noise: tensor(noise, { device }) });
        const expected = words.map(([low, chance, high]) => bfloat16Value(high + (chance < low ? 1 : 0)));
        expectAgreement('target', await target.data(), expected, identical);
      });
      await fc.assert(property, { numRuns: 40, seed });
    },
  );
}

/** The upper halves of float32 numbers of magnitude 2^−64 to 2^64, of either sign. */
const ordinaryUpperHalf: Arbitrary<number> = fc
  .tuple(fc.integer({ min: 0x1f80, max: 0x5f80 }), fc.boolean())
  .map(([bits, negative]) => (negative ? bits + 0x8000 : bits));

function float32Of(word: number): number {
  return new Float32Array(Uint32Array.of(word).buffer)[0] as number;
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
