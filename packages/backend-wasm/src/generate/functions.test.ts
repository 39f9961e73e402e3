import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { upTo } from '../encoder/control.ts';
import { ModuleBuilder } from '../encoder/module-builder.ts';
import { v128 } from '../encoder/simd.ts';
import { type Memory, webAssembly } from '../encoder/webassembly.ts';
import { exp, log } from './functions.ts';

const api = webAssembly()!;
const memory: Memory = new api.Memory({ initial: 64, maximum: 64, shared: false });
const count = 2 ** 19;
const input = new Float32Array(memory.buffer, 0, count);
const output = new Float32Array(memory.buffer, 4 * count, count);

/** Applies a function to all of the input. */
function compile(of: typeof exp): () => void {
  const module = new ModuleBuilder({ maximumPages: 64, shared: false });
  module.define('run', {}, (f) => {
    const [at, x] = [f.local('i32'), f.local('v128')];
    return [upTo(at, 4 * count, 16, [x.set(v128.load(at)), of(f, x, x), v128.store(at, x, 4 * count)])];
  });
  const { exports } = new api.Instance(new api.Module(module.encode()), { env: { memory } });
  return () => exports['run']!();
}

/** The distance between two float32 in units in the last place, through their ordered bit patterns. */
function ulpsBetween(a: number, b: number): number {
  const ordered = (x: number): number => {
    const [bits] = new Int32Array(new Float32Array([x]).buffer) as unknown as [number];
    return bits < 0 ? -(bits & 0x7fff_ffff) : bits;
  };
  return Math.abs(ordered(a) - ordered(b));
}

function largestError(exact: (x: number) => number): { x: number; ulps: number } {
  let worst = { x: 0, ulps: 0 };
  for (let i = 0; i < count; i++) {
    const expected = Math.fround(exact(input[i]!));
    const ulps = Object.is(output[i], expected) ? 0 : ulpsBetween(output[i]!, expected);
    // A NaN on one side only is infinitely far.
    if (!(ulps <= worst.ulps)) worst = { x: input[i]!, ulps };
  }
  return worst;
}

describe('exp', () => {
  const run = compile(exp);

  test('is within 1 ulp over its whole range, subnormal results included', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (offset) => {
        for (let i = 0; i < count; i++) input[i] = -105 + ((i + offset) * 195) / count;
        run();
        expect(largestError(Math.exp).ulps).toBeLessThanOrEqual(1);
      }),
      { numRuns: 3 },
    );
  });

  test('knows 0, the infinities, NaN, and where results overflow or vanish', () => {
    const values = [
      0,
      -0,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
      88.72,
      88.73,
      1e30,
      -104,
      -1e30,
    ];
    input.set(values);
    run();
    expect([...output.subarray(0, values.length)]).toEqual(
      [...input.subarray(0, values.length)].map((x) => Math.fround(Math.exp(x))),
    );
  });
});

describe('log', () => {
  const run = compile(log);

  test('is within 1 ulp for normal numbers', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (offset) => {
        for (let i = 0; i < count; i++) input[i] = 2 ** (-125 + ((i + offset) * 252) / count);
        run();
        expect(largestError(Math.log).ulps).toBeLessThanOrEqual(1);
        // Near 1 the result loses its leading digits, not its precision.
        for (let i = 0; i < count; i++) input[i] = 0.75 + (i + offset) / (2 * count);
        run();
        expect(largestError(Math.log).ulps).toBeLessThanOrEqual(1);
      }),
      { numRuns: 3 },
    );
  });

  test('passes NaN on', () => {
    input[0] = Number.NaN;
    run();
    expect(output[0]).toBe(Number.NaN);
  });
});
