import type { Device, DType, OpName } from '@halfgrad/core';
import { describe, test } from 'vitest';
import { checks, judge } from './conformance/checks.ts';
import { hasDecomposition, hasKernel, type Subject } from './conformance/subject.ts';
import { describeUpdates } from './conformance/updates.ts';
import { samples } from './samples.ts';

export interface ConformanceOptions {
  /** Draws other samples; fixed by default, so that what passes keeps passing. */
  readonly seed?: number;
  /** A device that is known to be right: the only judge of functions that are not made of others, such as exp. */
  readonly reference?: Device;
  /** Dtypes that the device does not have. Without float64 gradients are compared with the reference's, in float32. */
  readonly lacks?: readonly DType[];
  /** `'flushed'` where float32 arithmetic takes numbers below 2^−126 for zero, as GPUs do. */
  readonly subnormals?: 'kept' | 'flushed';
  /** The share of the samples to try, for devices that compile a kernel for every kind of call. */
  readonly effort?: number;
}

/** A check takes milliseconds; finding the smallest counterexample to one that fails may take much longer. */
const shrinkingTimeLimitMs = 60_000;

/**
 * Everything that a device has to keep to, op by op and update by update, as vitest suites. Run it in a test file of the
 * backend:
 *
 *     describeConformance(device, { reference: cpu });
 */
export function describeConformance(
  device: Device,
  { seed = 1, reference, lacks = [], subnormals = 'kept', effort = 1 }: ConformanceOptions = {},
): void {
  describe(`${device.name} conforms`, () => {
    if (lacks.length > 0) console.log(`${device.name}: not checked in ${lacks.join(', ')}, which it does not have.`);
    for (const op of Object.keys(samples) as OpName[]) {
      const subject: Subject = { device, op, reference, lacks, subnormals, effort };
      describe.skipIf(!hasKernel(subject) && !hasDecomposition(op))(op, () => {
        for (const check of checks.filter(({ applies }) => applies(subject))) {
          test(check.title, () => judge(check, subject, seed), shrinkingTimeLimitMs);
        }
      });
    }
    describeUpdates(device, seed, lacks);
  });
}
