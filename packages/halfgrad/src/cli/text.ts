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

/** Lines of at most `width` columns, broken at spaces. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && widthOf(line) + 1 + widthOf(word) <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
