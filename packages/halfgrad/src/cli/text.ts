import { stripVTControlCharacters } from 'node:util';

/** How many columns a text takes on a terminal, colours aside. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

export type Align = 'left' | 'right';

/** `text` filled up with spaces to `width` columns. */
export function pad(text: string, width: number, align: Align): string {
  const space = ' '.repeat(Math.max(width - widthOf(text), 0));
  return align === 'left' ? text + space : space + text;
}

/** `parts` joined to lines of at most `width` columns, where a single part is not longer. */
export function fill(parts: readonly string[], joint: string, width: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = `${lines.at(-1) ?? ''}${joint}${part}`;
    if (lines.length > 0 && widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(part);
  }
  return lines;
}

/** `text` as lines of at most `width` columns, broken at spaces. */
export function wrap(text: string, width: number): string[] {
  return fill(text.split(' '), ' ', width);
}
