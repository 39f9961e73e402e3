import type { Device, OpName } from '@halfgrad/core';
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
}

/** A check takes milliseconds; finding the smallest counterexample to one that fails may take much longer. */
const shrinkingTimeLimitMs = 60_000;

/**
 * Everything that a device has to keep to, op by op and update by update, as vitest suites. Run it in a test file of the
 * backend:
 *
 *     describeConformance(device, { reference: cpu });
 */
export function describeConformance(device: Device, { seed = 1, reference }: ConformanceOptions = {}): void {
  describe(`${device.name} conforms`, () => {
    for (const op of Object.keys(samples) as OpName[]) {
      const subject: Subject = { device, op, reference };
      describe.skipIf(!hasKernel(subject) && !hasDecomposition(op))(op, () => {
        for (const check of checks.filter(({ applies }) => applies(subject))) {
          test(check.title, () => judge(check, subject, seed), shrinkingTimeLimitMs);
        }
      });
    }
    describeUpdates(device, seed);
  });
}
