/** A number in a golden file: JSON has no infinities, NaN or negative zero (AMP.md section G). */
export type GoldenNumber = number | 'Infinity' | '-Infinity' | 'NaN' | '-0';

/** A float64, integer or bool tensor in a golden file, row-major. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly data: readonly (GoldenNumber | boolean)[];
}

/** Little-endian words of 8, 16 or 32 bits. */
export interface GoldenBlob {
  readonly encoding: 'base64-le';
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: string;
}

/** The number that a golden file means; `Number` understands all four names, and keeps the sign of `'-0'`. */
export function decodeNumber(value: GoldenNumber | boolean): number {
  return Number(value);
}

const wordReaders = {
  uint8: (bytes) => bytes,
  uint16: (bytes) => words(bytes, 2, (view, at) => view.getUint16(at, true)),
  uint32: (bytes) => words(bytes, 4, (view, at) => view.getUint32(at, true)),
} satisfies Record<string, (bytes: Uint8Array) => ArrayLike<number>>;

/** The words of a base64 blob as numbers, whatever the byte order of this machine. */
export function decodeBlob({ data, dtype }: GoldenBlob): ArrayLike<number> {
  if (!Object.hasOwn(wordReaders, dtype)) throw new Error(`decodeBlob: no reader for ${dtype}`);
  return wordReaders[dtype as keyof typeof wordReaders](Buffer.from(data, 'base64'));
}

function words(bytes: Uint8Array, width: number, read: (view: DataView, at: number) => number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength / width }, (_, i) => read(view, i * width));
}
