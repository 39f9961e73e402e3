import { type Device, scope, TensorError } from '@halfgrad/core';
import { Mismatch } from './compare.ts';
import { reasonFor } from './scope.ts';
import { type Case, Missing, type Suite } from './suite.ts';

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
export async function runSuite(suite: Suite, device: Device): Promise<SuiteResult> {
  const start = performance.now();
  const failed: Failure[] = [];
  const [unsupported, missing] = [new Map<string, string[]>(), new Map<string, string[]>()];
  let passed = 0;
  for (const { name, run } of suite.cases()) {
    const outcome = await attempt(run, device);
    if (outcome.verdict === 'passed') passed++;
    else if (outcome.verdict === 'failed') failed.push({ case: name, problem: outcome.problem });
    else {
      const needs = outcome.verdict === 'unsupported' ? unsupported : missing;
      needs.set(outcome.need, [...(needs.get(outcome.need) ?? []), name]);
    }
  }
  return { suite, passed, failed, unsupported, missing, milliseconds: performance.now() - start };
}

type Outcome =
  | { readonly verdict: 'passed' }
  | { readonly verdict: 'failed'; readonly problem: string }
  | { readonly verdict: 'unsupported' | 'missing'; readonly need: string };

async function attempt(run: Case['run'], device: Device): Promise<Outcome> {
  try {
    for (const { actual, check } of scope(() => run(device))) {
      check(await actual.data());
      actual.dispose();
    }
    return { verdict: 'passed' };
  } catch (error) {
    if (error instanceof Missing) {
      return { verdict: reasonFor(error.need) ? 'unsupported' : 'missing', need: error.need };
    }
    // What a device says it cannot do, such as float64 in WebGL, is no wrong answer.
    if (error instanceof TensorError && (error.code === 'unsupported' || error.code === 'not-readable')) {
      return { verdict: 'unsupported', need: error.message };
    }
    if (error instanceof TensorError || error instanceof Mismatch) return { verdict: 'failed', problem: error.message };
    return { verdict: 'failed', problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
