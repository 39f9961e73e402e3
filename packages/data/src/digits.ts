import { Generator, TensorError, uniformOf } from '@halfgrad/core';

/** 8×8 grey images of digits, as in the UCI "optical recognition of handwritten digits" sets. */
export interface Digits {
  /** 64 values from 0 to 16 each, row by row. */
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
}

export const digitPixels = 64;
export const digitLevels = 16;

/**
 * Reads the comma-separated format of the UCI sets: 64 integers from 0 to 16, then the class.
 *
 * @throws TensorError `invalid-file` naming the line.
 */
export function parseDigits(text: string, { name = 'digits' }: { name?: string } = {}): Digits {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) throw new TensorError('invalid-file', `${name}: the file is empty`);
  const rows = lines.map((line, i) => {
    const values = line.split(',').map(Number);
    const fits =
      values.length === digitPixels + 1 && values.every((v) => Number.isInteger(v) && v >= 0 && v <= digitLevels);
    if (!fits || (values[digitPixels] as number) > 9) {
      throw new TensorError(
        'invalid-file',
        `${name}: line ${i + 1} is not 64 integers from 0 to 16 and a class from 0 to 9`,
      );
    }
    return values;
  });
  return {
    images: Uint8Array.from(rows.flatMap((row) => row.slice(0, digitPixels))),
    labels: Uint8Array.from(rows, (row) => row[digitPixels] as number),
  };
}

/**
 * Digit-like glyphs: each class in turn, moved by up to a pixel, with strokes of varying strength and noise.
 *
 * Deterministic: the same seed gives the same bytes everywhere.
 */
export function syntheticDigits({ count, seed = 0 }: { count: number; seed?: number }): Digits {
  const generator = new Generator(seed);
  const images = new Uint8Array(count * digitPixels);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % glyphs.length);
  for (let i = 0; i < count; i++) {
    const words = generator.words(digitPixels + 3);
    const uniform = (at: number): number => uniformOf(words[at] as number);
    const [dx, dy] = [Math.floor(uniform(0) * 3) - 1, Math.floor(uniform(1) * 3) - 1];
    const strength = 8 + 8 * uniform(2);
    const rows = glyphs[labels[i] as number] as readonly string[];
    for (let at = 0; at < digitPixels; at++) {
      const [row, column] = [Math.floor(at / 8) - 1 - dy, (at % 8) - 1 - dx];
      const isInk = rows[row]?.[column] === '#';
      const value = (isInk ? strength : 0) + 6 * (uniform(3 + at) - 0.5);
      images[i * digitPixels + at] = Math.min(Math.max(Math.round(value), 0), digitLevels);
    }
  }
  return { images, labels };
}

/** Six by six, so that a glyph can move by a pixel in the eight by eight image. */
const glyphs: readonly (readonly string[])[] = [
  [' #### ', '#    #', '#    #', '#    #', '#    #', ' #### '],
  ['  ##  ', ' ###  ', '  ##  ', '  ##  ', '  ##  ', ' #### '],
  [' #### ', '#    #', '    # ', '  ##  ', ' #    ', '######'],
  ['##### ', '     #', '  ### ', '     #', '     #', '##### '],
  ['   ## ', '  # # ', ' #  # ', '######', '    # ', '    # '],
  ['######', '#     ', '##### ', '     #', '#    #', ' #### '],
  ['  ### ', ' #    ', '##### ', '#    #', '#    #', ' #### '],
  ['######', '     #', '    # ', '   #  ', '  #   ', '  #   '],
  [' #### ', '#    #', ' #### ', '#    #', '#    #', ' #### '],
  [' #### ', '#    #', ' #####', '     #', '    # ', ' ###  '],
];
