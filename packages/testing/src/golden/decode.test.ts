import { expect, test } from 'vitest';
import { decodeBlob, decodeNumber } from './decode.ts';

test('keeps what JSON cannot say', () => {
  expect([1.5, '-0', 'Infinity', '-Infinity', 'NaN', true].map((x) => decodeNumber(x as never))).toEqual([
    1.5,
    -0,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    1,
  ]);
});

test.each([
  ['uint8', [1, 2, 3, 255]],
  ['uint16', [0x0201, 0xff03]],
  ['uint32', [0xff03_0201]],
])('reads little-endian words: %s', (dtype, expected) => {
  expect(Array.from(decodeBlob({ encoding: 'base64-le', dtype, shape: [], data: 'AQID/w==' }))).toEqual(expected);
});
