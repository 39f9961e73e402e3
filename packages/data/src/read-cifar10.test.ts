import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeShared, sharedFile } from '@halfgrad/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cifar10RecordBytes } from './cifar10.ts';
import { normalizationOf } from './normalization.ts';
import { readCifar10 } from './read-cifar10.ts';

describe('readCifar10', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'halfgrad-cifar10-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  test('reads all batches of the official files in order, and the official test batch', async () => {
    write({
      'data_batch_2.bin': [2, 3],
      'data_batch_1.bin': [1],
      'train.bin': [9],
      'test_batch.bin': [4],
      'test_x.bin': [5, 6],
    });
    expect(await labels()).toEqual({ train: [1, 2, 3], test: [4] });
  });

  test('without them reads every train*.bin and the largest test*.bin', async () => {
    write({ 'train_b.bin': [2], 'train_a.bin': [1], 'test_a.bin': [3], 'test_b.bin': [4, 5], 'other.bin': [6] });
    expect(await labels()).toEqual({ train: [1, 2], test: [4, 5] });
  });

  test('remembers the files for reports', async () => {
    write({ 'train_b.bin': [2], 'train_a.bin': [1], 'test.bin': [3] });
    const { train, test: held } = await readCifar10(folder);
    expect(train.name).toBe(`${folder}/train_a.bin, ${folder}/train_b.bin`);
    expect(held.name).toBe(`${folder}/test.bin`);
  });

  test.each<[string, Record<string, readonly number[]>, string]>([
    ['an empty folder', {}, 'the folder is empty. Get the binary version of CIFAR-10 and unpack it'],
    [
      'no training images',
      { 'test.bin': [1] },
      'has no training images (data_batch_*.bin or train*.bin); found test.bin.',
    ],
    ['no test images', { 'train.bin': [1] }, 'has no test images (test_batch.bin or test*.bin); found train.bin.'],
    ['the archive', { 'cifar-10-binary.tar.gz': [] }, 'Unpack the archive, and give the folder inside.'],
    ['the folder above', { 'cifar-10-batches-bin': [] }, 'Give its folder cifar-10-batches-bin.'],
    ['the Python version', { data_batch_1: [], test_batch: [] }, 'These are the files of the Python version'],
  ])('refuses %s, and says what to do', async (_, files, message) => {
    write(files);
    await expect(readCifar10(folder)).rejects.toThrow(message);
    await expect(readCifar10(folder)).rejects.toMatchObject({ code: 'invalid-file' });
  });

  test('refuses a folder that does not exist, and a file', async () => {
    write({ 'train.bin': [1] });
    await expect(readCifar10(join(folder, 'absent'))).rejects.toThrow(/absent does not exist\. Give the folder/);
    await expect(readCifar10(join(folder, 'train.bin'))).rejects.toThrow(
      /train\.bin is not a folder\. Give the folder/,
    );
  });

  test('says which file is cut short', async () => {
    write({ 'train.bin': [1], 'test.bin': [1] });
    writeFileSync(join(folder, 'test.bin'), new Uint8Array(cifar10RecordBytes - 1));
    await expect(readCifar10(folder)).rejects.toThrow(
      `parseCifar10: ${folder}/test.bin has 3,072 bytes, expected 3,073 (1 image)`,
    );
  });

  function write(files: Readonly<Record<string, readonly number[]>>): void {
    for (const [name, list] of Object.entries(files)) {
      const bytes = new Uint8Array(list.length * cifar10RecordBytes);
      list.forEach((label, i) => {
        bytes[i * cifar10RecordBytes] = label;
      });
      writeFileSync(join(folder, name), bytes);
    }
  }

  async function labels(): Promise<{ train: number[]; test: number[] }> {
    const { train, test: held } = await readCifar10(folder);
    return { train: [...train.labels], test: [...held.labels] };
  }
});

describeShared('the real CIFAR-10', ['data/cifar10'], () => {
  test('has 2,000 training and 400 test images per class, and the statistics everybody uses', async () => {
    const { train, test: held } = await readCifar10(sharedFile('data/cifar10'));
    expect(held.name).toMatch(/test_4000\.bin$/);
    expect(countsOf(train.labels)).toEqual(new Array(10).fill(2000));
    expect(countsOf(held.labels)).toEqual(new Array(10).fill(400));

    const { mean, std } = normalizationOf(train);
    // Of all 50,000 images. Those of 20,000 of them differ by a few standard errors of 0.25 / √20,000 at most.
    const usual = { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] };
    const tolerance = 4 * (0.25 / Math.sqrt(20_000));
    const errors = [mean, std].map((found, i) =>
      found.map((x, c) => Math.abs(x - ([usual.mean, usual.std][i]?.[c] as number))),
    );
    expect(Math.max(...errors.flat())).toBeLessThan(tolerance);
  });
});

function countsOf(labels: Uint8Array): number[] {
  return Array.from({ length: 10 }, (_, label) => labels.filter((x) => x === label).length);
}
