/** Images of one size in memory, each of one class. */
export interface LabelledImages {
  /** Where they come from, for messages and reports. */
  readonly name: string;
  /** Bytes in the order `[image, channel, row, column]`. */
  readonly pixels: Uint8Array;
  /** The class of each image: an index into `classNames`. */
  readonly labels: Uint8Array;
  readonly shape: readonly [channels: number, height: number, width: number];
  readonly classNames: readonly string[];
}

/** Several sets of images of the same size and classes as one, in their order. */
export function concatImages(parts: readonly [LabelledImages, ...LabelledImages[]]): LabelledImages {
  if (parts.length === 1) return parts[0];
  return {
    ...parts[0],
    name: parts.map(({ name }) => name).join(', '),
    pixels: concatBytes(parts.map(({ pixels }) => pixels)),
    labels: concatBytes(parts.map(({ labels }) => labels)),
  };
}

function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
