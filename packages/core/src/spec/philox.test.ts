import fc from 'fast-check';
import { expect, test } from 'vitest';
import { philoxWords, uniformOf } from './philox.ts';

/** Section 3 of the paper, in integers of any size. */
function philoxOracle(seed: bigint, block: bigint): number[] {
  const mask = 0xffff_ffffn;
  let [c0, c1, c2, c3] = [block & mask, block >> 32n, 0n, 0n];
  let [k0, k1] = [seed & mask, seed >> 32n];
  for (let round = 0; round < 10; round++) {
    const [p0, p1] = [0xd251_1f53n * c0, 0xcd9e_8d57n * c2];
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, p1 & mask, (p0 >> 32n) ^ c3 ^ k1, p0 & mask];
    [k0, k1] = [(k0 + 0x9e37_79b9n) & mask, (k1 + 0xbb67_ae85n) & mask];
  }
  return [c0, c1, c2, c3].map(Number);
}

const safeInteger = fc.nat({ max: Number.MAX_SAFE_INTEGER });

test('the first block of key 0 is the known answer of Random123', () => {
  expect([...philoxWords(0, 0, 4)]).toEqual([0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
});

test('any block of any key is what the paper says', () => {
  fc.assert(
    fc.property(safeInteger, safeInteger, (seed, block) => {
      expect([...philoxWords(seed, block, 4)]).toEqual(philoxOracle(BigInt(seed), BigInt(block)));
    }),
  );
});

test('a stream read in parts is the stream read at once', () => {
  expect([...philoxWords(7, 0, 8), ...philoxWords(7, 2, 8)]).toEqual([...philoxWords(7, 0, 16)]);
});

test('uniform numbers are exact float32 values in [0, 1)', () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffff_ffff }), (word) => {
      const u = uniformOf(word);
      expect(u).toBe(Math.fround(u));
      expect(u >= 0 && u < 1).toBe(true);
    }),
  );
});
