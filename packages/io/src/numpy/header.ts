import { type DType, TensorError } from '@halfgrad/core';
import type { ElementType } from '../elements.ts';
import { parseStrictJson } from '../strict-json.ts';
import { isRecord, isShape, show } from '../untrusted.ts';

/** What the header of an array says. */
export interface NpyHeader {
  readonly type: ElementType;
  readonly isBigEndian: boolean;
  /** Whether the first index changes fastest. */
  readonly isFortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the elements begin. */
  readonly dataStart: number;
}

/** What NumPy calls the dtypes, in files of little-endian machines; it has neither bfloat16 nor 8-bit floats. */
const descriptors: { readonly [D in DType]: string | undefined } = {
  bool: '|b1',
  uint8: '|u1',
  int32: '<i4',
  float16: '<f2',
  bfloat16: undefined,
  float8_e4m3fn: undefined,
  float8_e5m2: undefined,
  float32: '<f4',
  float64: '<f8',
};

/** Descriptors without their byte order. */
const readable: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ...Object.entries(descriptors).flatMap(([dtype, name]): [string, DType][] =>
    name === undefined ? [] : [[name.slice(1), dtype as DType]],
  ),
  ['i8', 'int64'],
]);

/** `\x93NUMPY` and version 1.0. */
const magic: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** NumPy reads no longer ones unless it is told to trust the file. */
const maxHeaderLength = 10_000;

/** The elements begin at a multiple of this, so that readers can map them into memory. */
const alignment = 64;

/**
 * Reads the header of an `.npy` file of version 1.0, 2.0 or 3.0.
 *
 * @param file what errors call the file.
 * @throws TensorError `invalid-file` for a header that is not one; `unsupported` for elements the library does not have.
 * @see https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export function parseNpyHeader(bytes: Uint8Array, file: string): NpyHeader {
  const { text, dataStart } = headerText(bytes, file);
  const { descr, fortran_order: isFortranOrder, shape } = parseDictionary(text);
  if (descr === undefined || typeof isFortranOrder !== 'boolean' || !isShape(shape)) {
    throw invalidNpy(file, `its header is not valid: ${show(text.trim())}`);
  }
  if (typeof descr !== 'string') throw unsupported(file, descr);
  const type = readable.get(descr.slice(1));
  if (!type || !/[<>=|]/.test(descr.charAt(0))) throw unsupported(file, descr);
  return { type, isBigEndian: descr.startsWith('>'), isFortranOrder, shape, dataStart };
}

/** @throws TensorError `unsupported` for bfloat16 and 8-bit floats. */
export function encodeNpyHeader(dtype: DType, shape: readonly number[]): Uint8Array {
  const descr = descriptors[dtype];
  if (descr === undefined) {
    throw new TensorError(
      'unsupported',
      `npy: NumPy has no ${dtype}. Save x.to('float32'), which holds every value exactly, or use safetensors.`,
    );
  }
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const start = magic.length + 4;
  const length = Math.ceil((start + dict.length + 1) / alignment) * alignment - start;
  const text = new TextEncoder().encode(`${dict.padEnd(length - 1)}\n`);
  return new Uint8Array([...magic, 1, 0, length & 0xff, length >> 8, ...text]);
}

/** `npy: FILE: problem`. */
export function invalidNpy(file: string, problem: string): TensorError {
  return new TensorError('invalid-file', `npy: ${file}: ${problem}`);
}

function headerText(bytes: Uint8Array, file: string): { text: string; dataStart: number } {
  if (magic.some((byte, i) => bytes[i] !== byte)) throw invalidNpy(file, 'it does not begin as arrays of NumPy do');
  const major = bytes[magic.length] ?? 0;
  if (major < 1 || major > 3) throw invalidNpy(file, `its version is ${major}, known are 1 to 3`);
  // From version 2 on the length has four bytes instead of two.
  const textStart = magic.length + (major === 1 ? 4 : 6);
  if (bytes.length < textStart) throw invalidNpy(file, 'it is cut off in its header');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = major === 1 ? view.getUint16(magic.length + 2, true) : view.getUint32(magic.length + 2, true);
  if (length > maxHeaderLength) throw invalidNpy(file, `a header of ${length} bytes is more than NumPy accepts`);
  const dataStart = textStart + length;
  if (dataStart > bytes.length) throw invalidNpy(file, 'it is cut off in its header');
  return { text: new TextDecoder().decode(bytes.subarray(textStart, dataStart)), dataStart };
}

/** The header is a dictionary of Python: JSON but for its quotes, brackets, words, and commas at the end. Empty if not. */
function parseDictionary(text: string): Readonly<Record<string, unknown>> {
  const json = text
    .replaceAll("'", '"')
    .replaceAll('(', '[')
    .replaceAll(')', ']')
    .replaceAll('True', 'true')
    .replaceAll('False', 'false')
    // Python 2 wrote sizes as 3L.
    .replaceAll(/(\d)L\b/g, '$1')
    .replaceAll(/,\s*(?=[\]}])/g, '');
  try {
    const parsed = parseStrictJson(json, dictionaryDepth);
    return isRecord(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** Records of records are not read, but recognised. */
const dictionaryDepth = 10;

function unsupported(file: string, descr: unknown): TensorError {
  const fix = "Convert the array in NumPy, for example with x.astype('float32').";
  return new TensorError('unsupported', `npy: ${file}: elements of type ${show(descr)} cannot be read. ${fix}`);
}
