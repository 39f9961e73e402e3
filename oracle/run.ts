import { type Device, scope, TensorError } from '@halfgrad/core';
import { reasonFor } from './scope.ts';
import { type Case, Mismatch, Missing, type Suite } from './suite.ts';

export interface Failure {
  readonly case: string;
  readonly problem: string;
}

/** The names of cases by what they need. */
export type Needs = ReadonlyMap<string, readonly string[]>;

export interface SuiteResult {
  readonly suite: Suite;
  readonly passed: number;
  readonly failed: readonly Failure[];
  /** Outside the library's scope, for a reason that `scope.ts` gives. */
  readonly unsupported: Needs;
  /** What the library lacks without a reason. */
  readonly missing: Needs;
  readonly milliseconds: number;
}

export function countOf(needs: Needs): number {
  return [...needs.values()].reduce((count, cases) => count + cases.length, 0);
}

/** Runs every case of a suite; one that fails does not stop the others. */
export function runSuite(suite: Suite, device: Device): SuiteResult {
  const start = performance.now();
  const failed: Failure[] = [];
  const unsupported = new Map<string, string[]>();
  const missing = new Map<string, string[]>();
  let passed = 0;
  for (const { name, run } of suite.cases()) {
    const outcome = attempt(run, device);
    if (outcome === undefined) passed++;
    else if (outcome instanceof Missing) {
      const needs = (outcome.reason ?? reasonFor(outcome.need)) ? unsupported : missing;
      needs.set(outcome.need, [...(needs.get(outcome.need) ?? []), name]);
    } else failed.push({ case: name, problem: outcome });
  }
  return { suite, passed, failed, unsupported, missing, milliseconds: performance.now() - start };
}

/** What kept a case from passing: a difference as text, or what it needs. */
function attempt(run: Case['run'], device: Device): string | Missing | undefined {
  try {
    scope(() => run(device));
    return undefined;
  } catch (error) {
    if (error instanceof Missing) return error;
    // What a device says it cannot do, such as float64 in WebGL, is no wrong answer.
    if (error instanceof TensorError && error.code === 'unsupported')
      return new Missing('another device', error.message);
    if (error instanceof TensorError || error instanceof Mismatch) return error.message;
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
