import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cifar10Classes, cifar10RecordBytes, parseCifar10 } from './cifar10.ts';

const examples = fc.array(
  fc.record({ label: fc.nat(9), pixels: fc.uint8Array({ minLength: 3072, maxLength: 3072 }) }),
  { minLength: 1, maxLength: 4 },
);

function write(list: readonly { label: number; pixels: Uint8Array }[]): Uint8Array {
  return Uint8Array.from(list.flatMap(({ label, pixels }) => [label, ...pixels]));
}

describe('parseCifar10', () => {
  test('reads back the labels and pixels that were written', () => {
    fc.assert(
      fc.property(examples, (list) => {
        const { labels, pixels, shape } = parseCifar10(write(list));
        expect(shape).toEqual([3, 32, 32]);
        expect([...labels]).toEqual(list.map(({ label }) => label));
        list.forEach((example, i) => {
          expect(pixels.subarray(i * 3072, (i + 1) * 3072)).toEqual(example.pixels);
        });
      }),
      { numRuns: 20 },
    );
  });

  test('keeps its pixels when the bytes are used for something else', () => {
    const bytes = new Uint8Array(cifar10RecordBytes).fill(7);
    const { pixels } = parseCifar10(bytes);
    bytes.fill(0);
    expect(pixels.every((pixel) => pixel === 7)).toBe(true);
  });

  test('names the classes of CIFAR-10, unless told others', () => {
    const bytes = new Uint8Array(cifar10RecordBytes);
    expect(parseCifar10(bytes).classNames).toBe(cifar10Classes);
    expect(parseCifar10(bytes, { classNames: ['only'] }).classNames).toEqual(['only']);
  });

  test('refuses every size that is not that of whole images', () => {
    fc.assert(
      fc.property(fc.nat(4 * cifar10RecordBytes), (size) => {
        fc.pre(size % cifar10RecordBytes !== 0 || size === 0);
        expect(() => parseCifar10(new Uint8Array(size))).toThrow(expect.objectContaining({ code: 'invalid-file' }));
      }),
    );
  });

  test('says the file, the sizes it expected and found, and what to do', () => {
    const message = (size: number): string => {
      try {
        parseCifar10(new Uint8Array(size), { name: 'data/train.bin' });
        return 'accepted';
      } catch (error) {
        return String(error);
      }
    };
    expect([0, 100, 2 * 3073 - 1, 3 * 3074].map(message)).toMatchInlineSnapshot(`
      [
        "TensorError: parseCifar10: data/train.bin has 0 bytes, expected 3,073 (1 image). It is cut short or no CIFAR-10 file: get it again, in the binary version.",
        "TensorError: parseCifar10: data/train.bin has 100 bytes, expected 3,073 (1 image). It is cut short or no CIFAR-10 file: get it again, in the binary version.",
        "TensorError: parseCifar10: data/train.bin has 6,145 bytes, expected 3,073 (1 image) or 6,146 (2 images). It is cut short or no CIFAR-10 file: get it again, in the binary version.",
        "TensorError: parseCifar10: data/train.bin has 9,222 bytes, expected 9,219 (3 images) or 12,292 (4 images). It looks like CIFAR-100, whose images have two labels: get the binary version of CIFAR-10.",
      ]
    `);
  });

  test('says which label names no class', () => {
    const bytes = new Uint8Array(3 * cifar10RecordBytes);
    bytes[2 * cifar10RecordBytes] = 10;
    expect(() => parseCifar10(bytes, { name: 'x.bin' })).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: parseCifar10: x.bin has the label 10 at byte 6,146 (image 2), expected 0 to 9. It is damaged or no CIFAR-10 file: get it again, in the binary version.]`,
    );
  });
});
