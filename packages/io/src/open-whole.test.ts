import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWhole } from './open-whole.ts';

describe('openWhole', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'halfgrad-io-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  test('leaves the old file as it is until the new one is whole', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'old');
    const write = await openWhole(path);
    expect(readFileSync(path, 'utf8')).toBe('old');
    function* pieces(): Generator<Uint8Array> {
      yield Buffer.from('new ');
      expect(readFileSync(path, 'utf8')).toBe('old');
      yield Buffer.from('content');
    }
    await write(pieces());
    expect(readFileSync(path, 'utf8')).toBe('new content');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('keeps the old file, and leaves nothing behind, when writing fails half-way', async () => {
    const path = join(folder, 'file');
    writeFileSync(path, 'old');
    function* pieces(): Generator<Uint8Array> {
      yield Buffer.from('new ');
      throw new Error('the disk is full');
    }
    const write = await openWhole(path);
    await expect(write(pieces())).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `cannot write ${path}: the disk is full`,
    });
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test('writes one of two files that are saved to the same place at once', async () => {
    const path = join(folder, 'file');
    const [first, second] = [await openWhole(path), await openWhole(path)];
    await Promise.all([first('a'.repeat(1e6)), second('b'.repeat(1e6))]);
    expect(new Set(readFileSync(path, 'utf8')).size).toBe(1);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  test.each([
    ['below a folder that does not exist', 'nowhere/file', /ENOENT/],
    ['below a file', 'file/below', /ENOTDIR/],
    ['where a folder is', 'folder', /it is a folder/],
  ])('refuses at once to write %s', async (_, place, reason) => {
    writeFileSync(join(folder, 'file'), 'old');
    mkdirSync(join(folder, 'folder'));
    const opening = openWhole(join(folder, place));
    await expect(opening).rejects.toMatchObject({ code: 'invalid-argument' });
    await expect(opening).rejects.toThrow(reason);
    expect(readdirSync(folder).sort()).toEqual(['file', 'folder']);
  });
});
