import { TensorError } from '@halfgrad/core';
import { inflateSync } from 'fflate';
import { show } from '../untrusted.ts';
import { crc32 } from './crc32.ts';

/**
 * The files of a zip archive by name.
 *
 * The directory is read here because fflate believes what it says: it would walk over any number of files, allocate any
 * size, and not compare checksums. What unpacks to more than deflate can reach is refused, and so are files that overlap.
 *
 * @param archive what errors call it.
 * @throws TensorError `invalid-file` that names the file and the problem.
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7, 4.3.12 and 4.3.16.
 */
export function readZip(bytes: Uint8Array, archive: string): Map<string, Uint8Array> {
  try {
    return unpackAll(bytes);
  } catch (cause) {
    // Beside the errors from here: a DataView that is asked for bytes outside, or data that fflate cannot inflate.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TensorError('invalid-file', `npz: ${archive}: not an archive that can be read: ${reason}`, { cause });
  }
}

interface PackedFile {
  readonly name: string;
  readonly method: number;
  readonly checksum: number;
  readonly packedSize: number;
  readonly size: number;
  readonly headerStart: number;
}

function unpackAll(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const files = new Map<string, Uint8Array>();
  let unread = bytes.length;
  for (const file of directoryOf(view)) {
    if (files.has(file.name)) throw new Error(`${show(file.name)} appears twice`);
    unread -= file.packedSize;
    if (unread < 0) throw new Error('its files overlap');
    files.set(file.name, unpack(view, file));
  }
  return files;
}

const signatures = { localFile: 0x04034b50, directoryEntry: 0x02014b50, endOfDirectory: 0x06054b50 } as const;

/** What the directory, which the last record of the archive points to, says of each file. */
function* directoryOf(view: DataView): Generator<PackedFile> {
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) throw new Error('archives of more than 4 GiB or 65534 files are not read');
  for (let i = 0; i < count; i++) {
    if (view.getUint32(at, true) !== signatures.directoryEntry) throw new Error('its directory is damaged');
    const nameLength = view.getUint16(at + 28, true);
    yield {
      name: new TextDecoder().decode(bytesAt(view, at + 46, nameLength)),
      method: view.getUint16(at + 10, true),
      checksum: view.getUint32(at + 16, true),
      packedSize: view.getUint32(at + 20, true),
      size: view.getUint32(at + 24, true),
      headerStart: view.getUint32(at + 42, true),
    };
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
}

/** The last record, which a comment of up to 65535 bytes may follow. */
function findEnd(view: DataView): number {
  const last = view.byteLength - 22;
  for (let at = last; at >= Math.max(last - 0xffff, 0); at--) {
    if (view.getUint32(at, true) === signatures.endOfDirectory) return at;
  }
  throw new Error('it has no directory');
}

/** Deflate copies at most 258 bytes for 2 bits. */
const maxDeflateRatio = 1032;

function unpack(view: DataView, { name, method, checksum, packedSize, size, headerStart }: PackedFile): Uint8Array {
  if (view.getUint32(headerStart, true) !== signatures.localFile)
    throw new Error(`${show(name)} is not where it should be`);
  const extraLength = view.getUint16(headerStart + 28, true);
  const packed = bytesAt(view, headerStart + 30 + view.getUint16(headerStart + 26, true) + extraLength, packedSize);
  if (method !== methods.stored && method !== methods.deflated) {
    throw new Error(`${show(name)} is compressed in a way that is not known`);
  }
  const largest = method === methods.stored ? packedSize : packedSize * maxDeflateRatio;
  if (size > largest) throw new Error(`${show(name)} cannot unpack to ${size} bytes`);
  const file = method === methods.stored ? packed : inflateSync(packed, { out: new Uint8Array(size) });
  if (file.length !== size || crc32(file) !== checksum) throw new Error(`${show(name)} is damaged`);
  return file;
}

const methods = { stored: 0, deflated: 8 } as const;

function bytesAt({ buffer, byteOffset, byteLength }: DataView, start: number, length: number): Uint8Array {
  if (start + length > byteLength) throw new Error('it is cut off');
  return new Uint8Array(buffer, byteOffset + start, length);
}
