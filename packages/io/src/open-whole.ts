import { TensorError } from '@halfgrad/core';
import { type Content, fileSystem } from './node-files.ts';

/**
 * Prepares a file that will be written at the end of long work: it is written beside its place and renamed there, so that
 * nobody ever sees half of it.
 *
 * @returns the way to write it.
 * @throws TensorError `invalid-argument` at once when the place cannot be written to.
 */
export async function openWhole(path: string): Promise<(content: Content) => Promise<void>> {
  const fs = fileSystem(path);
  const beside = `${path}.${crypto.randomUUID()}.tmp`;
  const attempt = async (action: () => Promise<void>): Promise<void> => {
    try {
      await action();
    } catch (cause) {
      // The failure to write is what matters, whatever happens to the rest of it.
      await fs.rm(beside, { force: true }).catch(() => {});
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TensorError('invalid-argument', `cannot write ${path}: ${reason}`, { cause });
    }
  };
  const write = async (content: Content): Promise<void> => {
    const file = await fs.open(beside, 'w');
    try {
      await file.writeFile(content);
      // A renamed file whose bytes are not on the disk yet would be an empty one after a power cut.
      await file.sync();
    } finally {
      await file.close();
    }
  };

  await attempt(async () => {
    const isFolder = await fs.stat(path).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isFolder) throw new Error('it is a folder');
    await write('');
    await fs.rm(beside, { force: true });
  });
  return (content) =>
    attempt(async () => {
      await write(content);
      await fs.rename(beside, path);
    });
}

/** Writes a file at once, whole or not at all. */
export async function writeWhole(path: string, content: Content): Promise<void> {
  const write = await openWhole(path);
  await write(content);
}
