import fc from 'fast-check';
import { modelProperty } from './commands.ts';
import { type ScalerProperty, scalerProperties } from './properties.ts';
import type { CreateScaler } from './scaler.ts';

export interface CheckScalerOptions {
  /** How many cases each property is tried on. */
  readonly cases?: number;
  readonly seed?: number;
  /** Called after each property. */
  readonly onOutcome?: (outcome: PropertyOutcome) => void;
}

export interface PropertyOutcome {
  readonly name: string;
  readonly cases: number;
  /** Present when it does not hold: the smallest case found, and what is usually the mistake. */
  readonly failure?: { readonly case: number; readonly counterexample: string; readonly explanation: string };
}

export interface ScalerReport {
  readonly schema: 'halfgrad.check-scaler/1';
  readonly seed: number;
  readonly holds: boolean;
  readonly outcomes: readonly PropertyOutcome[];
}

const allProperties: readonly ScalerProperty[] = [...scalerProperties, modelProperty];

/** Judges a scaler by every property; the same seed gives the same cases. */
export async function checkScaler(
  create: CreateScaler,
  { cases = 300, seed = 0, onOutcome }: CheckScalerOptions = {},
): Promise<ScalerReport> {
  const outcomes: PropertyOutcome[] = [];
  for (const property of allProperties) {
    const outcome = await tryProperty(property, create, cases, seed);
    onOutcome?.(outcome);
    outcomes.push(outcome);
  }
  const holds = outcomes.every(({ failure }) => failure === undefined);
  return { schema: 'halfgrad.check-scaler/1', seed, holds, outcomes };
}

async function tryProperty(
  { name, explanation, property }: ScalerProperty,
  create: CreateScaler,
  numRuns: number,
  seed: number,
): Promise<PropertyOutcome> {
  const details = await fc.check(property(create), { numRuns, seed });
  if (!details.failed) return { name, cases: details.numRuns };
  const { errorInstance } = details;
  const counterexample = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return { name, cases: details.numRuns, failure: { case: details.numRuns, counterexample, explanation } };
}
