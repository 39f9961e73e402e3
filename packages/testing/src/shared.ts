import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, test } from 'vitest';

/** The folder of reference data, which is not part of the repository: `HALFGRAD_SHARED`, else `../shared` beside it. */
function sharedFolder(): string {
  return process.env['HALFGRAD_SHARED'] ?? join(workspaceRoot(), '..', 'shared');
}

function workspaceRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'pnpm-workspace.yaml'))) {
    const parent = dirname(folder);
    if (parent === folder) return process.cwd();
    folder = parent;
  }
  return folder;
}

/** The path of a file or folder in the shared folder, whether it exists or not. */
export function sharedFile(path: string): string {
  return resolve(sharedFolder(), path);
}

/** A JSON file of the shared folder; its type is what the caller knows about it. */
export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(sharedFile(path), 'utf8')) as T;
}

/** A vitest `describe` for tests that read `files` of the shared folder: skipped, with a line that says why, without them. */
export function describeShared(name: string, files: readonly string[], body: () => void): void {
  const missing = files.map(sharedFile).filter((file) => !existsSync(file));
  if (missing.length === 0) {
    describe(name, body);
    return;
  }
  const reason = `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing`;
  console.log(`skipped "${name}": ${reason}. Set HALFGRAD_SHARED to the folder of reference data.`);
  describe.skip(name, () => test(`needs reference data: ${reason}`, () => {}));
}
