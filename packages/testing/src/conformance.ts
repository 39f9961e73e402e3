import type { Device, OpName } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { describe, test } from 'vitest';
import type { AnySample } from './arbitraries/op-sample.ts';
import { type Check, checks } from './conformance/checks.ts';
import { hasDecomposition, hasKernel, type Subject } from './conformance/subject.ts';
import { describeUpdates } from './conformance/updates.ts';
import { samples } from './samples.ts';

export interface ConformanceOptions {
  /** Draws other samples; fixed by default, so that what passes keeps passing. */
  readonly seed?: number;
}

/** A check takes milliseconds; finding the smallest counterexample to one that fails may take much longer. */
const shrinkingTimeLimitMs = 60_000;

/**
 * Everything that a device has to keep to, op by op and update by update, as vitest suites. Run it in a test file of the
 * backend:
 *
 *     describeConformance(device);
 */
export function describeConformance(device: Device, { seed = 1 }: ConformanceOptions = {}): void {
  describe(`${device.name} conforms`, () => {
    for (const op of Object.keys(samples) as OpName[]) {
      const subject: Subject = { device, op };
      describe.skipIf(!hasKernel(subject) && !hasDecomposition(op))(op, () => {
        for (const check of checks.filter(({ applies }) => applies(subject))) {
          test(check.title, () => judge(check, subject, seed), shrinkingTimeLimitMs);
        }
      });
    }
    describeUpdates(device);
  });
}

async function judge({ from, holds, numRuns }: Check, subject: Subject, seed: number): Promise<void> {
  const own: Arbitrary<AnySample> = samples[subject.op];
  const property = fc.asyncProperty(from ? from(own) : own, (sample) => holds(subject, sample));
  await fc.assert(property, { numRuns, seed });
}
