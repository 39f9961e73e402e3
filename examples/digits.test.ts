import { type Device, openDevice } from 'halfgrad';
import { syntheticDigits } from 'halfgrad/data';
import { describe, expect, test } from 'vitest';
import { type DigitsLog, type Precision, trainDigits } from './digits/train.ts';

const digits = syntheticDigits({ count: 500 });
const run = (device: Device, precision: Precision, initScale = 2 ** 16, steps = 50): Promise<DigitsLog[]> =>
  trainDigits(device, digits, { precision, steps, initScale });

describe.each(['cpu', 'wasm'] as const)('digits on %s', (name) => {
  test.each(['float32', 'float16', 'bfloat16'] as const)('learns in %s', async (precision) => {
    const logs = await run(await openDevice(name), precision, 2 ** 16, 200);
    expect(logs.at(-1)?.loss).toBeLessThan((logs[0]?.loss ?? 0) / 3);
  });
});

describe('wasm trains as the reference does', async () => {
  const [cpu, wasm] = [await openDevice('cpu'), await openDevice('wasm')];

  test('with float32 losses that agree to 1e-4', async () => {
    const expected = await run(cpu, 'float32');
    for (const [i, { loss }] of (await run(wasm, 'float32')).entries()) {
      expect(Math.abs(loss - (expected[i]?.loss ?? 0))).toBeLessThan(1e-4);
    }
  });

  test.each([16, 40])('through the same loss scales and skipped steps from 2^%i', async (exponent) => {
    const outcomes = (logs: readonly DigitsLog[]) => logs.map(({ scale, stepped }) => [scale, stepped]);
    const expected = outcomes(await run(cpu, 'float16', 2 ** exponent));
    expect(outcomes(await run(wasm, 'float16', 2 ** exponent))).toEqual(expected);
    const skipped = expected.filter(([, stepped]) => stepped === false).length;
    if (exponent === 40) expect(skipped).toBeGreaterThan(10);
    expect(expected.at(-1)?.[1]).toBe(true);
  });
});
