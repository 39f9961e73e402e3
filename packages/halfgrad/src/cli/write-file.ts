import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Writes a file beside its place and renames it there, so that nobody ever sees half of it. */
export function writeWhole(path: string, content: string): void {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, content);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}
