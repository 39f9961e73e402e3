import {
  type DType,
  dispatch,
  dtypeNames,
  encodeNumbers,
  expand,
  flip,
  fromHost,
  permute,
  reshape,
  sizeOf,
  stridesOf,
  type Tensor,
} from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpu } from '../index.ts';

const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });
const dtypes = fc.constantFrom(...dtypeNames);

/** A tensor whose elements tell where they come from: 0, 1, 2, … */
function counting(shape: readonly number[], dtype: DType): Tensor {
  const values = Array.from({ length: sizeOf(shape) }, (_, i) => i);
  return fromHost(encodeNumbers(values, dtype), shape, { dtype, device: cpu });
}

const indexOf = (flat: number, shape: readonly number[]): number[] =>
  stridesOf(shape).map((stride, dim) => Math.floor(flat / stride) % shape[dim]!);

const flatOf = (index: readonly number[], shape: readonly number[]): number =>
  stridesOf(shape).reduce((sum, stride, dim) => sum + stride * index[dim]!, 0);

/** Expects each element of `out` to be the element of `x` at the index that `source` names, or zero where it names none. */
function expectMoved(out: Tensor, x: Tensor, source: (index: number[]) => readonly number[] | undefined): void {
  const values = x.dataSync();
  const expected = Array.from({ length: out.size }, (_, flat) => {
    const index = source(indexOf(flat, out.shape));
    return index ? values[flatOf(index, x.shape)]! : 0;
  });
  expect(out.dtype).toBe(x.dtype);
  expect([...out.dataSync()]).toEqual(expected);
}

describe('elements arrive where the op says', () => {
  test('permute', () => {
    const sampled = shapes.chain((shape) =>
      fc.tuple(fc.constant(shape), fc.shuffledSubarray([...shape.keys()], { minLength: shape.length })),
    );
    fc.assert(
      fc.property(sampled, dtypes, ([shape, dims], dtype) => {
        const x = counting(shape, dtype);
        expectMoved(permute(x, dims), x, (index) => shape.map((_, dim) => index[dims.indexOf(dim)]!));
      }),
    );
  });

  test('permute of matrices larger than a tile', () => {
    const x = counting([37, 53], 'int32');
    expectMoved(permute(x, [1, 0]), x, ([i, j]) => [j!, i!]);
  });

  test('expand', () => {
    const sampled = shapes.chain((shape) =>
      fc.tuple(
        fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
        fc.constant(shape),
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
      ),
    );
    fc.assert(
      fc.property(sampled, dtypes, ([repeats, shape, added], dtype) => {
        const x = counting(
          shape.map((size, dim) => (repeats[dim] ? 1 : size)),
          dtype,
        );
        const out = expand(x, [...added, ...shape]);
        expectMoved(out, x, (index) => index.slice(added.length).map((i, dim) => (repeats[dim] ? 0 : i)));
      }),
    );
  });

  test('flip', () => {
    const sampled = shapes.chain((shape) => fc.tuple(fc.constant(shape), fc.subarray([...shape.keys()])));
    fc.assert(
      fc.property(sampled, dtypes, ([shape, dims], dtype) => {
        const x = counting(shape, dtype);
        expectMoved(flip(x, dims), x, (index) => index.map((i, dim) => (dims.includes(dim) ? shape[dim]! - 1 - i : i)));
      }),
    );
  });

  test('slice', () => {
    const range = (size: number) =>
      fc
        .tuple(fc.nat({ max: size }), fc.nat({ max: size }), fc.integer({ min: 1, max: 3 }))
        .map(([a, b, step]) => ({ start: Math.min(a, b), end: Math.max(a, b), step }));
    const sampled = shapes.chain((shape) => fc.tuple(fc.constant(shape), tupleOf(shape.map(range))));
    fc.assert(
      fc.property(sampled, dtypes, ([shape, slices], dtype) => {
        const x = counting(shape, dtype);
        const out = dispatch('slice', { x }, { slices });
        expectMoved(out, x, (index) => index.map((i, dim) => slices[dim]!.start + i * slices[dim]!.step));
      }),
    );
  });

  test('pad', () => {
    const amount = fc.nat({ max: 2 });
    const sampled = shapes.chain((shape) =>
      fc.tuple(
        fc.constant(shape),
        tupleOf(shape.map(() => fc.record({ low: amount, high: amount, interior: amount }))),
      ),
    );
    fc.assert(
      fc.property(sampled, dtypes, ([shape, padding], dtype) => {
        const x = counting(shape, dtype);
        const out = dispatch('pad', { x }, { padding, value: 0 });
        expectMoved(out, x, (index) => {
          const places = index.map((i, dim) => (i - padding[dim]!.low) / (padding[dim]!.interior + 1));
          return places.every((i, dim) => Number.isInteger(i) && i >= 0 && i < shape[dim]!) ? places : undefined;
        });
      }),
    );
  });

  test('concat', () => {
    const sampled = shapes
      .filter((shape) => shape.length > 0)
      .chain((shape) =>
        fc.tuple(
          fc.constant(shape),
          fc.nat({ max: shape.length - 1 }),
          fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }),
        ),
      );
    fc.assert(
      fc.property(sampled, dtypes, ([shape, dim, lengths], dtype) => {
        const parts = lengths.map((length) => counting(shape.with(dim, length), dtype));
        const out = dispatch('concat', { tensors: parts }, { dim });
        let start = 0;
        for (const part of parts) {
          const end = start + part.shape[dim]!;
          const slices = out.shape.map((size, d) => ({
            start: d === dim ? start : 0,
            end: d === dim ? end : size,
            step: 1,
          }));
          expect([...dispatch('slice', { x: out }, { slices }).dataSync()]).toEqual([...part.dataSync()]);
          start = end;
        }
        expect(start).toBe(out.shape[dim]);
      }),
    );
  });
});

test('movement keeps the bits of a NaN', () => {
  const bits = Uint16Array.of(0x7e01, 0xfe2a, 0x3c00, 0x7c01);
  const x = fromHost(bits, [2, 2], { dtype: 'float16', device: cpu });
  const moved = permute(x, [1, 0]);
  expect(moved.device.downloadSync?.(moved.storage)).toEqual(Uint16Array.of(0x7e01, 0x3c00, 0xfe2a, 0x7c01));
});

test('padding writes its value rounded to the dtype', () => {
  const padding = [{ low: 1, high: 0, interior: 0 }];
  const out = dispatch('pad', { x: counting([1], 'float16') }, { padding, value: 0.1 });
  expect([...out.dataSync()]).toEqual([0.0999755859375, 0]);
});

test('tensors of different dtypes are concatenated in the dtype that holds both', () => {
  const out = dispatch('concat', { tensors: [counting([2], 'float16'), counting([2], 'int32')] }, { dim: 0 });
  expect([out.dtype, ...out.dataSync()]).toEqual(['float16', 0, 1, 0, 1]);
});

test('a reshaped tensor shares its memory', () => {
  const x = counting([2, 3], 'float32');
  expect(reshape(x, [3, 2]).storage.block).toBe(x.storage.block);
});

function tupleOf<T>(list: readonly Arbitrary<T>[]): Arbitrary<T[]> {
  return fc.tuple(...list);
}
