import {
  computeDType,
  type DType,
  decodeValues,
  derivatives,
  dtypeNames,
  encodeNumbers,
  finfo,
  isFloat,
  leaves,
  mapLeaves,
  roundTo,
  showSpec,
  stepwise,
} from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { expect } from 'vitest';
import { identical, roundingBound, withinRounding } from '../agreement.ts';
import type { AnySample } from '../arbitraries/op-sample.ts';
import { withSpecialValues } from '../arbitraries/special-values.ts';
import { gradcheck, gradgradcheck } from '../gradcheck.ts';
import { samples } from '../samples.ts';
import { asFunction, gradientsOf, isSmooth } from './gradients.ts';
import {
  announced,
  call,
  expectAgreement,
  hasDecomposition,
  hasKernel,
  type Reading,
  read,
  run,
  type Subject,
  widest,
  withoutKernel,
} from './subject.ts';
import { firstInDType, fresh, inDType, permuted, reshaped, widened } from './variants.ts';

/** One thing that is true of every op of a device. */
export interface Check {
  readonly title: string;
  readonly numRuns: number;
  /** Whether there is anything to check for this op. */
  readonly applies: (subject: Subject) => boolean;
  readonly holds: (subject: Subject, sample: AnySample) => Promise<void>;
  /** Other calls than the op's own samples. */
  readonly from?: (samples: Arbitrary<AnySample>) => Arbitrary<AnySample>;
}

const always = (): boolean => true;
/** Ops made of several ops that round one by one say nothing about the roundings of the whole. */
const roundsAtTheEnd = ({ op }: Subject): boolean => !stepwise.has(op);
const hasFloat64 = ({ lacks }: Subject): boolean => !lacks.includes('float64');
const differentiable = ({ op }: Subject): boolean => derivatives[op] !== 'not differentiable';

/** Roundings on the longest path through an op, besides one per element that it combines. */
const longestChain = 32;

export const checks: readonly Check[] = [
  {
    title: 'gives the shapes and dtypes that its shape rule announces, for every dtype that the rule accepts',
    numRuns: 20,
    applies: always,
    async holds(subject, sample) {
      for (const dtype of dtypeNames) {
        const cast = inDType(sample, dtype);
        const specs = announced(subject, cast);
        if (!specs) continue;
        const readings = await read(run(subject, cast));
        expect(readings.map(showSpec)).toEqual(specs.map(showSpec));
        for (const { shape, values } of readings) expect(values.length).toBe(shape.reduce((a, b) => a * b, 1));
      }
    },
  },
  {
    title: 'leaves its inputs as they are',
    numRuns: 10,
    applies: always,
    async holds(subject, sample) {
      const { device, op } = subject;
      const { inputs, attrs } = widest(subject, sample);
      if (!announced(subject, { ...sample, inputs })) return;
      const tensors = mapLeaves(inputs, (tensor) => fresh(device, tensor));
      call(op, tensors, attrs);
      const after = await read(tensors);
      leaves(inputs).forEach((before, i) => {
        const stored = decodeValues(encodeNumbers(before.values, before.dtype), before.dtype);
        expectAgreement(`input ${i}`, valuesOf(after, i), stored, identical);
      });
      expect(leaves(tensors).map(({ version }) => version)).toEqual(leaves(tensors).map(() => 0));
    },
  },
  {
    title: 'does not depend on how its inputs were made',
    numRuns: 10,
    applies: always,
    async holds(subject, sample) {
      const own = widest(subject, sample);
      if (!announced(subject, own)) return;
      const expected = await read(run(subject, own));
      for (const make of [permuted, reshaped]) {
        const readings = await read(run(subject, own, make));
        for (const [i, { values }] of readings.entries()) {
          expectAgreement(`output ${i}`, values, valuesOf(expected, i), identical);
        }
      }
    },
  },
  {
    title: 'agrees with its decomposition in every floating-point dtype',
    numRuns: 20,
    applies: (subject) => hasKernel(subject) && hasDecomposition(subject.op),
    async holds(subject, sample) {
      const decomposed: Subject = { ...subject, device: withoutKernel(subject) };
      for (const dtype of ['float64', 'float32', 'float16', 'bfloat16'] as const) {
        const cast = inDType(sample, dtype);
        if (!announced(subject, cast)) continue;
        const actual = await read(run(subject, cast));
        const expected = await read(run(decomposed, cast));
        const bound = combiningBound(computeDType(dtype), sample, expected);
        for (const [i, { dtype: result, values }] of actual.entries()) {
          expectAgreement(`output ${i} for ${dtype}`, values, valuesOf(expected, i), withinRounding(result, bound));
        }
      }
    },
  },
  {
    title: 'agrees with the reference device in every dtype',
    numRuns: 20,
    applies: ({ reference }) => reference !== undefined,
    holds: agreesWithReference,
  },
  {
    title: 'agrees with the reference device on infinities, NaN, signed zeros and the limits of the formats',
    numRuns: 20,
    // In a formula of several steps, how wide the steps are decides where it overflows.
    applies: ({ reference, op }) => reference !== undefined && !hasDecomposition(op),
    from: withSpecialValues,
    holds: agreesWithReference,
  },
  {
    title: 'computes 16-bit inputs in float32 and rounds once',
    numRuns: 20,
    applies: roundsAtTheEnd,
    holds: roundsOnce,
  },
  {
    title: 'does so for infinities, NaN, signed zeros and the limits of the formats too',
    numRuns: 30,
    applies: roundsAtTheEnd,
    from: withSpecialValues,
    holds: roundsOnce,
  },
  {
    title: 'has the gradient of the reference device',
    numRuns: 12,
    applies: (subject) => differentiable(subject) && subject.reference !== undefined && !hasFloat64(subject),
    holds: hasReferenceGradient,
  },
  {
    title: 'has the gradient that finite differences see',
    numRuns: 12,
    applies: (subject) => differentiable(subject) && hasFloat64(subject),
    async holds(subject, sample) {
      const { fn, inputs } = asFunction(subject, sample);
      if (await isSmooth(fn(...inputs))) await gradcheck(fn, inputs);
    },
  },
  {
    title: 'has the second derivative that finite differences see',
    numRuns: 6,
    applies: (subject) => differentiable(subject) && hasFloat64(subject),
    async holds(subject, sample) {
      const { fn, inputs } = asFunction(subject, sample);
      if (await isSmooth(fn(...inputs))) await gradgradcheck(fn, inputs);
    },
  },
];

/** Tries a check on samples of its op. */
export async function judge({ from, holds, numRuns }: Check, subject: Subject, seed: number): Promise<void> {
  const own: Arbitrary<AnySample> = samples[subject.op];
  const property = fc.asyncProperty(from ? from(own) : own, (sample) => holds(subject, sample));
  await fc.assert(property, { numRuns: Math.ceil(numRuns * (subject.effort ?? 1)), seed });
}

/** Sums and formulas of several steps to within their roundings, the rest to within the accuracy of elementary functions. */
async function agreesWithReference(subject: Subject, sample: AnySample): Promise<void> {
  const { reference, subnormals } = subject;
  for (const dtype of dtypeNames) {
    const cast = subnormals === 'flushed' ? flushed(inDType(sample, dtype)) : inDType(sample, dtype);
    if (!reference || !announced(subject, cast)) continue;
    const actual = await read(run(subject, cast));
    const expected = await read(run({ ...subject, device: reference }, cast));
    for (const [i, { dtype: result, values }] of actual.entries()) {
      const hasSteps = isFloat(result) && (sample.reduces || hasDecomposition(subject.op));
      const combining = hasSteps ? combiningBound(computeDType(result), sample, expected) : 0;
      const bound = subnormals === 'flushed' ? combining + finfo('float32').smallestNormal : combining;
      expectAgreement(`output ${i} for ${dtype}`, values, valuesOf(expected, i), withinRounding(result, bound, 4));
    }
  }
}

/** The sample as a device sees it that takes numbers below float32's normal range for zero. */
function flushed(sample: AnySample): AnySample {
  const { smallestNormal } = finfo('float32');
  const flush = (x: number): number => (Math.abs(x) < smallestNormal ? Math.sign(x) * 0 : x);
  const inputs = mapLeaves(sample.inputs, (tensor) => ({ ...tensor, values: tensor.values.map(flush) }));
  return { ...sample, inputs };
}

/** Gradients of the sum of the result in float32, which differ by the roundings of the ops on the way back. */
async function hasReferenceGradient(subject: Subject, sample: AnySample): Promise<void> {
  const { reference } = subject;
  const own = inDType(sample, 'float32');
  const [out] = announced(subject, own) ?? [];
  if (!reference || !out || !isFloat(out.dtype)) return;
  const [actual, expected] = [
    await gradientsOf(subject, own),
    await gradientsOf({ ...subject, device: reference }, own),
  ];
  const bound = combiningBound('float32', own, expected);
  for (const [i, { dtype, values }] of actual.entries()) {
    expectAgreement(`gradient ${i}`, values, valuesOf(expected, i), withinRounding(dtype, bound, 4));
  }
}

/** 16-bit arguments give what their float32 values give, rounded; also with float32 parameters beside a 16-bit input. */
async function roundsOnce(subject: Subject, sample: AnySample): Promise<void> {
  for (const dtype of ['float16', 'bfloat16'] as const) {
    const casts = [inDType(sample, dtype), ...(sample.reduces ? [firstInDType(sample, dtype)] : [])];
    for (const cast of casts.filter((candidate) => announced(subject, candidate))) {
      const actual = await read(run(subject, cast));
      const wide = await read(run(subject, widened(cast)));
      const bound = sample.reduces ? combiningBound('float32', sample, wide) : undefined;
      for (const [i, { dtype: result, values }] of actual.entries()) {
        const rounded = Array.from(valuesOf(wide, i), (x) => roundTo(result, x));
        const agrees = bound === undefined ? identical : withinRounding(result, bound);
        expectAgreement(`output ${i} for ${dtype}`, values, rounded, agrees);
      }
    }
  }
}

/** How far a device that adds in an order of its own may be from another. */
function combiningBound(dtype: DType, { inputs }: AnySample, outputs: readonly Reading[]): number {
  const tensors = leaves(inputs);
  const combined = tensors.reduce((total, { values }) => total + values.length, 0);
  const numbers = [...tensors, ...outputs].map(({ values }) => values);
  return roundingBound(dtype, longestChain + combined, ...numbers);
}

function valuesOf(readings: readonly Reading[], i: number): ArrayLike<number> {
  return (readings[i] as Reading).values;
}
