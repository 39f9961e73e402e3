import { TensorError } from '@halfgrad/core';

/** What is used of an open file of Node. */
export interface FileHandle {
  stat(): Promise<{ readonly size: number }>;
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  writeFile(content: Content): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What a file is written from; pieces are written one after the other. */
export type Content = string | Uint8Array | Iterable<Uint8Array>;

/** What is used of `node:fs/promises`. */
interface FileSystem {
  open(path: string, flags: 'r' | 'w'): Promise<FileHandle>;
  stat(path: string): Promise<{ isDirectory(): boolean }>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { readonly force: boolean }): Promise<void>;
}

interface NodeGlobals {
  readonly process?: { getBuiltinModule?(id: 'node:fs/promises'): FileSystem };
}

/** Node's file system without an import, which bundlers for browsers would stumble over. */
export function fileSystem(path: string): FileSystem {
  const fs = (globalThis as NodeGlobals).process?.getBuiltinModule?.('node:fs/promises');
  if (fs) return fs;
  throw new TensorError(
    'unsupported',
    `files: there is no file system here to find ${path} in. Read and write bytes: every load function takes them, every encode function gives them.`,
  );
}
