import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { TensorError } from '@halfgrad/core';

/**
 * Prepares a file that will be written at the end of long work: it is written beside its place and renamed there, so that
 * nobody ever sees half of it.
 *
 * @returns the way to write it.
 * @throws TensorError `invalid-argument` at once when the place cannot be written to.
 */
export function openWhole(path: string): (content: string) => void {
  const beside = `${path}.${process.pid}.tmp`;
  const attempt = (action: () => void): void => {
    try {
      action();
    } catch (cause) {
      rmSync(beside, { force: true });
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new TensorError('invalid-argument', `cannot write ${path}: ${reason}`, { cause });
    }
  };
  attempt(() => writeFileSync(beside, ''));
  rmSync(beside);
  return (content) =>
    attempt(() => {
      writeFileSync(beside, content);
      renameSync(beside, path);
    });
}
