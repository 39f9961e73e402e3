import { TensorError } from '@halfgrad/core';
import { type FileHandle, fileSystem } from './node-files.ts';

/**
 * Bytes that can be read in pieces, such as an open file, a URL whose server answers range requests, or a file that a
 * visitor of a page chose:
 *
 *     const read = async (offset: number, length: number) =>
 *       new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
 *     await openSafetensors({ size: blob.size, read });
 */
export interface ByteSource {
  /** The number of bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset` on. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What files are read from: a path (in Node), all their bytes, or a source of pieces. */
export type Source = string | Uint8Array | ByteSource;

/** A source with what errors call it, and the way to let go of it. */
export interface OpenSource extends ByteSource {
  readonly name: string;
  close(): Promise<void>;
}

/** @throws TensorError `invalid-file` when there is no file at the path. */
export async function openSource(source: Source): Promise<OpenSource> {
  if (typeof source === 'string') return openPath(source);
  const read = source instanceof Uint8Array ? piecesOf(source) : (...range: Range) => source.read(...range);
  const size = source instanceof Uint8Array ? source.length : source.size;
  const name = 'the file';
  // A source that was given is closed by whoever opened it.
  return { name, size, read: checkedRead(name, read), close: async () => {} };
}

/** All bytes. */
export async function readWhole(source: Source): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  const opened = await openSource(source);
  try {
    return { name: opened.name, bytes: await opened.read(0, opened.size) };
  } finally {
    await opened.close();
  }
}

type Range = [offset: number, length: number];

function piecesOf(bytes: Uint8Array): ByteSource['read'] {
  return async (offset, length) => bytes.subarray(offset, offset + length);
}

async function openPath(path: string): Promise<OpenSource> {
  const fs = fileSystem(path);
  try {
    const file = await fs.open(path, 'r');
    const { size } = await file.stat();
    const read = (...range: Range): Promise<Uint8Array> => readFrom(file, ...range);
    return { name: path, size, read: checkedRead(path, read), close: () => file.close() };
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

/** One read call of Node takes no more than 2^31 − 1 bytes. */
const largestRead = 2 ** 30;

async function readFrom(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, largestRead), offset + done);
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}

function checkedRead(name: string, read: ByteSource['read']): ByteSource['read'] {
  return async (offset, length) => {
    const bytes = await read(offset, length).catch((cause: unknown) => {
      throw cannotRead(name, cause);
    });
    if (bytes.length === length) return bytes;
    throw new TensorError(
      'invalid-file',
      `${name} gave ${bytes.length} of the ${length} bytes from ${offset} on. Has it changed since it was opened?`,
    );
  };
}

function cannotRead(name: string, cause: unknown): TensorError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TensorError('invalid-file', `cannot read ${name}: ${reason}`, { cause });
}
