import { cpu } from '@halfgrad/backend-cpu';
import { dtypeNames, isFloat8, setDefaultDevice, type Tensor, TensorError, tensor } from '@halfgrad/core';
import { Linear } from '@halfgrad/nn';
import { Adam } from '@halfgrad/optim';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCheckpoint, loadCheckpoint } from './checkpoint.ts';
import { encodeNpy, loadNpy } from './numpy/npy.ts';
import { encodeNpz, loadNpz } from './numpy/npz.ts';
import { loadSafetensors } from './safetensors/read.ts';
import { encodeSafetensors } from './safetensors/write.ts';
import type { ByteSource } from './source.ts';

setDefaultDevice(cpu);

const tensors = Object.fromEntries(dtypeNames.map((dtype) => [`layer.${dtype}`, tensor([[1, 0, 1]], { dtype })]));

describe('a corrupted file is refused with a TensorError, or is another file', () => {
  test('10,000 of safetensors', { timeout: 60_000 }, async () => {
    const files = [
      await encodeSafetensors(tensors, { metadata: { format: 'pt' }, integers: 'I64' }),
      await encodeSafetensors({ a: tensor([1, 2]), b: tensor(3), empty: tensor([], { shape: [0, 4] }) }),
      await encodeSafetensors({ tied: tensors['layer.float16']!, twin: tensors['layer.float16']! }),
      await encodeSafetensors({}, { metadata: { note: 'nothing here' } }),
    ];
    const refused = await fuzz(corrupted(files), 10_000, async (file) => {
      const { source, read } = watched(file);
      const { tensors: loaded } = await loadSafetensors(source);
      // Nothing is read twice, and nothing is allocated that is not in the file.
      expect(read()).toBeLessThanOrEqual(file.length);
      expect(bytesOf(Object.values(loaded))).toBeLessThanOrEqual(file.length);
    });
    expect(refused).toBeGreaterThan(5_000);
  });

  test('2,000 of .npy', async () => {
    const files = await Promise.all(
      Object.values(tensors)
        .filter(({ dtype }) => dtype !== 'bfloat16' && !isFloat8(dtype))
        .map(encodeNpy),
    );
    const refused = await fuzz(corrupted(files), 2_000, async (file) => {
      expect(bytesOf([await loadNpy(file)])).toBeLessThanOrEqual(file.length);
    });
    expect(refused).toBeGreaterThan(1_000);
  });

  test('2,000 of .npz', async () => {
    const arrays = { x: tensor([1, 2]), zeros: tensor(new Float32Array(100)) };
    const files = [await encodeNpz(arrays), await encodeNpz(arrays, { compression: 'deflate' })];
    const refused = await fuzz(corrupted(files), 2_000, async (file) => {
      // The checksums leave nothing of the arrays to be changed unnoticed.
      for (const [name, x] of Object.entries(await loadNpz(file))) {
        const original = Object.entries(arrays).find(([, y]) => y.size === x.size)![1];
        expect([name, x.toArray()]).toEqual([expect.any(String), original.toArray()]);
      }
    });
    expect(refused).toBeGreaterThan(1_000);
  });

  test('1,000 of checkpoints, and the run goes on as it was', async () => {
    const create = (): { model: Linear; optimizer: Adam } => {
      const model = new Linear(2, 1);
      return { model, optimizer: new Adam(model.namedParameters()) };
    };
    const saved = create();
    saved.model
      .forward(tensor([[1, 2]]))
      .sum()
      .backward();
    saved.optimizer.step();
    const file = await encodeCheckpoint({ ...saved, progress: { step: 1 } });
    const run = create();
    const before = await encodeCheckpoint(run);
    await fuzz(corrupted([file]), 1_000, async (other) => {
      let loaded = false;
      try {
        await loadCheckpoint(other, { ...run, progress: { step: 0 } });
        loaded = true;
      } finally {
        if (!loaded) expect(Buffer.compare(await encodeCheckpoint(run), before)).toBe(0);
        else await loadCheckpoint(before, run);
      }
    });
  });
});

/** @returns how many files were refused. */
async function fuzz(
  files: Arbitrary<Uint8Array>,
  count: number,
  load: (file: Uint8Array) => Promise<void>,
): Promise<number> {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(files, async (file) => {
      try {
        await load(file);
      } catch (error) {
        if (!(error instanceof TensorError)) throw error;
        refused++;
      }
    }),
    { numRuns: count },
  );
  return refused;
}

/** Pieces of JSON and numbers that readers stumble over. */
const pieces = [
  ...['-1', '1.5', '1e999', '9007199254740993', '18446744073709551615', '4294967296', '0', '""', 'null', 'true'],
  ...['{}', '[]', '[[[[[[', '{"a":{"a":{"a":', '"__proto__":', '"__metadata__":{}', '"dtype":"I64"', '\ud800', '\0'],
].map((text) => new TextEncoder().encode(text));

/** One of `files` with a few bits flipped, cut off, with something spliced in, or with another length of its header. */
function corrupted(files: readonly Uint8Array[]): Arbitrary<Uint8Array> {
  const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const flips = fc
    .array(fc.record({ place, bit: fc.nat(7) }), { minLength: 1, maxLength: 8 })
    .map((list) => (file: Uint8Array): Uint8Array => {
      const copy = file.slice();
      for (const { place: at, bit } of list) copy[Math.floor(at * copy.length)]! ^= 1 << bit;
      return copy;
    });
  const cut = place.map((at) => (file: Uint8Array) => file.subarray(0, Math.floor(at * file.length)));
  const splice = fc
    .record({
      at: place,
      replaced: fc.nat(12),
      piece: fc.oneof(
        fc.constantFrom(...pieces),
        fc
          .record({ from: fc.constantFrom(...files), start: place, length: fc.nat(200) })
          .map(({ from, start, length }) => {
            const first = Math.floor(start * from.length);
            return from.subarray(first, first + length);
          }),
      ),
    })
    .map(({ at, replaced, piece }) => (file: Uint8Array) => {
      const start = Math.floor(at * file.length);
      return new Uint8Array([...file.subarray(0, start), ...piece, ...file.subarray(start + replaced)]);
    });
  const lengths = fc.oneof(
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.constantFrom(0n, 1n, 8n, 100n, 2n ** 31n, 2n ** 63n),
  );
  const length = lengths.map((value) => (file: Uint8Array): Uint8Array => {
    const copy = file.slice();
    copy.set(new Uint8Array(new BigUint64Array([value]).buffer).subarray(0, copy.length));
    return copy;
  });
  const changes = fc.array(fc.oneof(flips, cut, splice, splice, length), { minLength: 1, maxLength: 2 });
  return fc
    .tuple(fc.constantFrom(...files), changes)
    .map(([file, list]) => list.reduce((changed, change) => (changed.length > 0 ? change(changed) : changed), file));
}

/** A source that lets nothing outside of the file be read, and counts what is. */
function watched(file: Uint8Array): { source: ByteSource; read: () => number } {
  let total = 0;
  const source: ByteSource = {
    size: file.length,
    async read(offset, length) {
      expect(offset >= 0 && length >= 0 && offset + length <= file.length).toBe(true);
      total += length;
      return file.subarray(offset, offset + length);
    },
  };
  return { source, read: () => total };
}

function bytesOf(list: readonly Tensor[]): number {
  return [...new Set(list)].reduce((sum, { bytes }) => sum + bytes, 0);
}
