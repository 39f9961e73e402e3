import { type Align, pad, widthOf } from './text.ts';

/** Between columns. */
const gap = '  ';

/** Rows of cells as aligned lines; a column is as wide as its widest cell, and its alignment is that of `align`. */
export function renderTable(rows: readonly (readonly string[])[], align: readonly Align[]): string[] {
  const widths = align.map((_, column) => Math.max(0, ...rows.map((row) => widthOf(row[column] ?? ''))));
  return rows.map((row) =>
    align
      .map((side, column) => pad(row[column] ?? '', widths[column] as number, side))
      .join(gap)
      .trimEnd(),
  );
}
