import { deviceNames, openDevice } from 'halfgrad';
import { syntheticDigits } from 'halfgrad/data';
import { describe, expect, test } from 'vitest';
import { type DigitsLog, precisions, trainDigits } from './train.ts';

const digits = syntheticDigits({ count: 500 });

describe.each(precisions)('the digits in %s', (precision) => {
  test('train alike on every device', async () => {
    const runs: DigitsLog[][] = [];
    for (const name of deviceNames) {
      runs.push(await trainDigits(await openDevice(name), digits, { precision, steps: 50, initScale: 2 ** 40 }));
    }
    const [reference = [], ...others] = runs;
    for (const logs of others) {
      expect(logs.map(({ scale, stepped }) => [scale, stepped])).toEqual(
        reference.map(({ scale, stepped }) => [scale, stepped]),
      );
      if (precision !== 'float32') continue;
      logs.forEach(({ loss }, i) => {
        expect(Math.abs(loss - (reference[i]?.loss ?? 0))).toBeLessThan(1e-4);
      });
    }
  });
});
