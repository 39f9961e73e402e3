import { type CreateScaler, checkScaler, renderOutcome, scalerMutants } from '@halfgrad/testing/scaler-check';
import { describe, expect, test, vi } from 'vitest';
import { createScaler as halfgradScaler } from './halfgrad-scaler.ts';
import { createScaler as ownScaler } from './own-scaler.ts';

/** `pnpm run test:nightly` tries 10,000. */
const cases = Number(process.env['HALFGRAD_CASES'] ?? 300);
vi.setConfig({ testTimeout: 120_000 + cases * 100 });

async function failuresOf(create: CreateScaler, count = cases): Promise<string[]> {
  const { outcomes } = await checkScaler(create, { cases: count, seed: 7 });
  return outcomes.filter(({ failure }) => failure).map(renderOutcome);
}

test.each([
  ["a student's", ownScaler],
  ["halfgrad's", halfgradScaler],
])('%s scaler holds every property', async (_, create) => {
  expect(await failuresOf(create)).toEqual([]);
});

describe("a known mistake in halfgrad's scaler is found", () => {
  test.each(scalerMutants.map((mutant) => [mutant.name, mutant] as const))('%s', async (_, { mutate }) => {
    expect(await failuresOf(mutate(halfgradScaler), 100)).not.toEqual([]);
  });
});

test('the mistake of dividing twice is explained on a screen', async () => {
  const mutant = scalerMutants.find(({ name }) => name === 'divides twice');
  const failures = await failuresOf(mutant?.mutate(ownScaler) ?? ownScaler, 100);
  const screen = failures.find((text) => text.includes('manual unscale is not repeated by step')) ?? '';
  expect(screen).toContain('step() divided by the scale a second time. Track which optimizers are already unscaled.');
  expect(screen).toMatch(
    /S=2, grad=\[1\] {2}expected gradient after unscale\+clip\(100\)\+step: \[1\] {3}got: \[0.5\]/,
  );
  expect(screen.split('\n').length).toBeLessThan(24);
});
