/** What `node:fs` and `node:path` are to tests that run in a browser, where there are no files to read. */

export function existsSync(): boolean {
  return false;
}

export function readFileSync(path: string): never {
  throw new Error(`${path} cannot be read in a browser`);
}

export function dirname(path: string): string {
  return path;
}

export function join(...parts: readonly string[]): string {
  return parts.join('/');
}

export const resolve = join;
