import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Allocator, type Extent, margin } from './allocator.ts';

/** What a program asks of the allocator: a new block of so many bytes, or to give back one of those it has. */
const programs = fc.array(
  fc.oneof(
    fc.record({
      allocate: fc.oneof(
        fc.nat(5000),
        fc.integer({ min: 1, max: 20 }).map((k) => 2 ** k),
      ),
    }),
    fc.record({ free: fc.nat() }),
  ),
  { maxLength: 200 },
);

function carryOut(allocator: Allocator, program: readonly ({ allocate: number } | { free: number })[]) {
  const held: { extent: Extent; bytes: number }[] = [];
  for (const step of program) {
    if ('allocate' in step) {
      const extent = allocator.allocate(step.allocate);
      if (extent) held.push({ extent, bytes: step.allocate });
    } else if (held.length > 0) {
      for (const { extent } of held.splice(step.free % held.length, 1)) allocator.free(extent);
    }
  }
  return held;
}

describe('the allocator', () => {
  test('never gives the same byte, or the margin behind it, to two blocks', () => {
    fc.assert(
      fc.property(programs, (program) => {
        const held = carryOut(new Allocator(1, () => true), program);
        held.sort((a, b) => a.extent.pointer - b.extent.pointer);
        held.forEach(({ extent, bytes }, i) => {
          expect(extent.pointer % 64).toBe(0);
          expect(extent.pointer).toBeGreaterThan(0);
          const next = held[i + 1];
          if (next) expect(extent.pointer + bytes + margin).toBeLessThanOrEqual(next.extent.pointer);
        });
      }),
    );
  });

  test('stays below what could be reserved', () => {
    fc.assert(
      fc.property(programs, fc.integer({ min: 1000, max: 100_000 }), (program, limit) => {
        for (const { extent, bytes } of carryOut(new Allocator(1, (end) => end <= limit), program)) {
          expect(extent.pointer + bytes + margin).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  test('needs no new space for what was there before', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100_000), { minLength: 1, maxLength: 30 }), (sizes) => {
        let end = 0;
        const allocator = new Allocator(1, (needed) => {
          end = needed;
          return true;
        });
        const first = sizes.map((bytes) => allocator.allocate(bytes)!);
        const reached = end;
        for (const extent of first) allocator.free(extent);
        for (const bytes of sizes) allocator.allocate(bytes);
        expect(end).toBe(reached);
      }),
    );
  });

  test('takes a larger free block when there is no more space, and gives it back as what it is', () => {
    const allocator = new Allocator(1, (end) => end <= 5300);
    const large = allocator.allocate(5000)!;
    expect(allocator.allocate(100)).toBe(undefined);
    allocator.free(large);
    const small = allocator.allocate(100)!;
    expect(small.pointer).toBe(large.pointer);
    allocator.free(small);
    expect(allocator.allocate(5000)?.pointer).toBe(large.pointer);
  });

  test('wastes less than a quarter on large blocks', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1024, max: 2 ** 40 }), (bytes) => {
        let end = 0;
        const allocator = new Allocator(1, (needed) => {
          end = needed;
          return true;
        });
        const { pointer } = allocator.allocate(bytes)!;
        expect(end - pointer - margin).toBeLessThanOrEqual(bytes * 1.25);
        expect(end - pointer - margin).toBeGreaterThanOrEqual(bytes);
      }),
    );
  });
});
