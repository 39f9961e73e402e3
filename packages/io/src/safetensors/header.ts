import { sizeOf, TensorError } from '@halfgrad/core';
import { parseStrictJson } from '../strict-json.ts';
import { isCount, isRecord, isShape, show } from '../untrusted.ts';
import { bitsOf, isSafetensorsDType, type SafetensorsDType } from './dtypes.ts';

/** A tensor of a file: what the header says of it. */
export interface SafetensorsEntry {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Where its bytes are, counted from the end of the header. */
  readonly offset: number;
  readonly bytes: number;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own bound on the bytes of a header. */
export const maxHeaderBytes = 100_000_000;

/** The header's own object, the entries' objects, and the lists in those. */
const headerDepth = 3;

/**
 * Checks everything that a header says against itself and the `dataBytes` that follow it: the tensors lie one after the
 * other, without gaps or overlaps, and fill the file.
 *
 * @param file what errors call the file.
 * @throws TensorError `invalid-file` naming the tensor and the problem.
 * @see https://huggingface.co/docs/safetensors
 */
export function parseHeader(header: Uint8Array, dataBytes: number, file: string): SafetensorsHeader {
  const parsed = parseJson(header, file);
  if (!isRecord(parsed)) throw invalidFile(file, 'its header is not a JSON object');
  const { __metadata__: metadata = {}, ...tensors } = parsed;
  if (!isStringRecord(metadata)) throw invalidFile(file, '__metadata__ is not an object of strings');
  const entries = new Map(Object.entries(tensors).map(([name, value]) => [name, parseEntry(name, value, file)]));
  checkLayout(entries, dataBytes, file);
  return { entries, metadata };
}

/** `safetensors: FILE: problem`. */
export function invalidFile(file: string, problem: string, options?: ErrorOptions): TensorError {
  return new TensorError('invalid-file', `safetensors: ${file}: ${problem}`, options);
}

function parseJson(header: Uint8Array, file: string): unknown {
  try {
    return parseStrictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header), headerDepth);
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : 'it is not UTF-8';
    throw invalidFile(file, `its header is not valid: ${reason}`, { cause });
  }
}

function isStringRecord(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((item) => typeof item === 'string');
}

function parseEntry(name: string, value: unknown, file: string): SafetensorsEntry {
  const invalid = (problem: string): TensorError => invalidFile(file, `tensor ${show(name)}: ${problem}`);
  if (!isRecord(value)) throw invalid('its entry is not an object');
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isSafetensorsDType(dtype)) throw invalid(`dtype ${show(dtype)} is none of the format's`);
  if (!isShape(shape)) throw invalid(`shape ${show(shape)} is not a list of sizes that can be`);
  if (!isPair(offsets)) throw invalid(`data_offsets ${show(offsets)} are not two positions`);
  const [start, end] = offsets;
  const bytes = (sizeOf(shape) * bitsOf(dtype)) / 8;
  if (end - start !== bytes) {
    throw invalid(`${dtype}[${shape}] takes ${bytes} bytes, but data_offsets are [${start},${end}]`);
  }
  return { dtype, shape, offset: start, bytes };
}

function isPair(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(isCount);
}

function checkLayout(entries: ReadonlyMap<string, SafetensorsEntry>, dataBytes: number, file: string): void {
  const inOrder = [...entries].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  let end = 0;
  for (const [name, { offset, bytes }] of inOrder) {
    if (offset !== end) {
      const problem = offset < end ? 'overlaps the one before it' : 'leaves a gap before it';
      throw invalidFile(file, `tensor ${show(name)} ${problem}: it begins at ${offset}, not at ${end}`);
    }
    end = offset + bytes;
    if (end > dataBytes) {
      const problem = `tensor ${show(name)} ends at ${end}, but only ${dataBytes} bytes follow the header`;
      throw invalidFile(file, `${problem}. Is the file cut off?`);
    }
  }
  if (end < dataBytes) throw invalidFile(file, `${dataBytes - end} bytes at its end belong to no tensor`);
}
