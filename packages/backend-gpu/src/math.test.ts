import { exp, finfo, fromHost, log, rsqrt, sigmoid, sqrt, type Tensor, tanh } from '@halfgrad/core';
import { describeDevice } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { openGpu } from './index.ts';

const count = 2 ** 16;

/** Numbers of both signs, spread evenly over the exponents from 2^low to 2^high. */
function spread(low: number, high: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => {
    const magnitude = 2 ** (low + ((high - low) * i) / count);
    return i % 2 === 0 ? magnitude : -magnitude;
  });
}

function positive(low: number, high: number): Float32Array<ArrayBuffer> {
  return spread(low, high).map(Math.abs);
}

interface Function {
  readonly name: string;
  readonly onGpu: (x: Tensor) => Tensor;
  /** In float64. */
  readonly exact: (x: number) => number;
  readonly inputs: Float32Array<ArrayBuffer>;
  readonly maxUlps: number;
}

const functions: readonly Function[] = [
  { name: 'exp', onGpu: exp, exact: Math.exp, inputs: spread(-20, 6.44), maxUlps: 2 },
  { name: 'log', onGpu: log, exact: Math.log, inputs: positive(-125, 127), maxUlps: 2 },
  { name: 'log near 1', onGpu: log, exact: Math.log, inputs: spread(-12, -3).map((x) => 1 + x), maxUlps: 2 },
  { name: 'tanh', onGpu: tanh, exact: Math.tanh, inputs: spread(-20, 7), maxUlps: 2 },
  { name: 'sigmoid', onGpu: sigmoid, exact: (x) => 1 / (1 + Math.exp(-x)), inputs: spread(-20, 6.4), maxUlps: 2 },
  { name: 'sqrt', onGpu: sqrt, exact: Math.sqrt, inputs: positive(-125, 127), maxUlps: 1 },
  { name: 'rsqrt', onGpu: rsqrt, exact: (x) => 1 / Math.sqrt(x), inputs: positive(-125, 127), maxUlps: 2 },
];

await describeDevice('elementary functions', openGpu, (gpu) => {
  test.each(functions)(
    '$name is right to $maxUlps units in the last place',
    async ({ onGpu, exact, inputs, maxUlps }) => {
      const values = await onGpu(fromHost(inputs, [count], { device: gpu })).data();
      let worst = 0;
      for (const [i, x] of inputs.entries()) worst = Math.max(worst, ulpsBetween(values[i]!, exact(x)));
      expect(worst).toBeLessThanOrEqual(maxUlps);
    },
  );

  describe('and where the functions of GLSL are wrong', () => {
    const limits = [0, -0, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 1e4, -1e4];
    test.each([
      ['exp', exp, Math.exp],
      ['log', log, Math.log],
      ['tanh', tanh, Math.tanh],
      ['sqrt', sqrt, Math.sqrt],
    ] as const)('%s has the limits that it should', async (_, onGpu, exact) => {
      const values = await onGpu(fromHost(Float32Array.from(limits), [limits.length], { device: gpu })).data();
      const expected = Float32Array.from(limits, exact);
      for (const [i, value] of expected.entries()) expect(ulpsBetween(values[i]!, value)).toBeLessThanOrEqual(2);
    });
  });
});

/** How many float32 numbers lie between a result and the right one; GPUs flush what is below the normal range to zero. */
function ulpsBetween(actual: number, exact: number): number {
  const { smallestNormal } = finfo('float32');
  const expected = Math.abs(exact) < smallestNormal ? 0 : Math.fround(exact);
  if (Object.is(actual, expected) || actual === expected) return 0;
  if (!Number.isFinite(actual) || !Number.isFinite(expected)) return Number.POSITIVE_INFINITY;
  return Math.abs(actual - expected) / 2 ** (Math.floor(Math.log2(Math.max(Math.abs(expected), smallestNormal))) - 23);
}
