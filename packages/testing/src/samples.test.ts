import { infer, leaves, type OpName, type TensorSpec, type Tree } from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AnySample } from './arbitraries/op-sample.ts';
import { withSpecialValues } from './arbitraries/special-values.ts';
import { samples } from './samples.ts';

const ops = Object.keys(samples) as OpName[];

describe.each(ops)('samples of %s', (op) => {
  const arbitrary: Arbitrary<AnySample> = samples[op];
  const drawn = fc.sample(arbitrary, { numRuns: 300, seed: 1 });

  test('are accepted by its shape rule, with special values too', () => {
    const rule = infer[op] as (inputs: unknown, attrs: unknown) => Tree<TensorSpec>;
    for (const { inputs, attrs } of [...drawn, ...fc.sample(withSpecialValues(arbitrary), { numRuns: 20, seed: 1 })]) {
      expect(leaves(rule(inputs, attrs)).length).toBeGreaterThan(0);
      for (const { shape, values } of leaves(inputs)) expect(values.length).toBe(shape.reduce((a, b) => a * b, 1));
    }
  });

  test('vary in every input, option and size', () => {
    const shapes = drawn.map(({ inputs }) =>
      leaves(inputs)
        .map(({ shape }) => shape.join())
        .join(' '),
    );
    expect(new Set(shapes).size).toBeGreaterThan(10);
    const options = drawn.map(({ attrs }) => attrs as Record<string, unknown> | undefined);
    for (const name of Object.keys(options[0] ?? {})) {
      expect(new Set(options.map((attrs) => JSON.stringify(attrs?.[name]))).size, name).toBeGreaterThan(1);
    }
    for (const name of optionalInputs(drawn)) {
      expect(
        drawn.some(({ inputs }) => (inputs as Record<string, unknown>)[name] !== undefined),
        name,
      ).toBe(true);
    }
  });
});

function optionalInputs(drawn: readonly AnySample[]): string[] {
  const absent = drawn.flatMap(({ inputs }) => Object.entries(inputs as object).filter(([, x]) => x === undefined));
  return [...new Set(absent.map(([name]) => name))];
}

test('empty, 0-dim and broadcast tensors are among them', () => {
  const pairs = fc.sample(samples.add, { numRuns: 300, seed: 1 }).map(({ inputs }) => inputs);
  expect(pairs.some(({ a, b }) => a.shape.length === 0 && b.shape.length === 0)).toBe(true);
  expect(pairs.some(({ a }) => a.values.length === 0)).toBe(true);
  expect(pairs.some(({ a, b }) => a.shape.length !== b.shape.length)).toBe(true);
  expect(pairs.some(({ a, b }) => a.shape.length === b.shape.length && a.shape.join() !== b.shape.join())).toBe(true);
});
