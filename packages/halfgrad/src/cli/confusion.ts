import type { ConfusionMatrix } from '@halfgrad/metrics';
import { pad, wrap } from './text.ts';
import type { RenderOptions } from './theme.ts';

export interface NamedMatrix {
  readonly name: string;
  readonly matrix: ConfusionMatrix;
}

/**
 * Confusion matrices side by side, and below each but the first what differs from the first.
 *
 * Cells are counts, or percentages of their row where counts need more than two digits. Matrices that do not fit into the
 * line follow below.
 */
export function renderConfusions(
  matrices: readonly NamedMatrix[],
  classNames: readonly string[],
  { colors, columns }: RenderOptions,
): string[] {
  const isCounted = matrices.every(({ matrix }) => matrix.flat().every((count) => count < 100));
  const shown = matrices.map(({ name, matrix }) => ({ name, matrix: isCounted ? matrix : rowPercentages(matrix) }));
  const [baseline] = shown;
  if (!baseline) return [];

  const blockWidth = cellWidth * classNames.length;
  const perLine = Math.floor((columns - labelWidth + 1) / (blockWidth + 1));
  if (perLine < 1) return [`${classNames.length} classes are too many to show here; the JSON report has the matrices.`];

  const unit = isCounted ? 'test images' : 'percent of the images of a class';
  const legend = classNames.map((name, i) => `${i} ${name}`).join(', ');
  const lines = wrap(`Rows are true classes, columns predicted ones; cells are ${unit}. ${legend}.`, columns);
  for (let start = 0; start < shown.length; start += perLine) {
    const group = shown.slice(start, start + perLine);
    lines.push('', ...sideBySide(group.map(({ name, matrix }) => matrixBlock(name, matrix))));
    const differences = group.map(({ name, matrix }) =>
      matrix === baseline.matrix ? emptyBlock() : differenceBlock(`${name} - ${baseline.name}`, matrix),
    );
    if (group.some(({ matrix }) => matrix !== baseline.matrix)) lines.push('', ...sideBySide(differences));
  }
  return lines;

  function sideBySide(blocks: readonly (readonly string[])[]): string[] {
    const labels = ['', '', ...classNames.map((name, i) => `${i} ${name.slice(0, 4)}`)];
    return labels.map((label, line) =>
      [colors.dim(pad(label, labelWidth, 'left')), blocks.map((block) => block[line]).join(colors.dim('│'))].join(''),
    );
  }

  function block(title: string, cells: readonly (readonly string[])[]): string[] {
    const headings = classNames.map((_, i) => pad(String(i), cellWidth, 'right')).join('');
    return [
      pad(` ${colors.bold(title)}`, blockWidth, 'left'),
      colors.dim(headings),
      ...cells.map((row) => row.map((cell) => pad(cell, cellWidth, 'right')).join('')),
    ];
  }

  function emptyBlock(): string[] {
    return new Array<string>(classNames.length + 2).fill(' '.repeat(blockWidth));
  }

  function matrixBlock(title: string, matrix: ConfusionMatrix): string[] {
    const cell = (count: number, isHit: boolean): string =>
      count === 0 ? colors.dim('·') : isHit ? colors.bold(String(count)) : String(count);
    return block(title, matrix.map((row, i) => row.map((count, j) => cell(count, i === j))));
  }

  function differenceBlock(title: string, matrix: ConfusionMatrix): string[] {
    const cell = (difference: number, isHit: boolean): string => {
      if (difference === 0) return colors.dim('·');
      const paint = difference > 0 === isHit ? colors.green : colors.red;
      return paint(difference > 0 ? `+${difference}` : String(difference));
    };
    return block(
      title,
      matrix.map((row, i) => row.map((count, j) => cell(count - (baseline?.matrix[i]?.[j] ?? 0), i === j))),
    );
  }
}

/** Two digits and a space, or a sign and two digits. */
const cellWidth = 3;
/** A number, four letters and spaces. */
const labelWidth = 7;

function rowPercentages(matrix: ConfusionMatrix): ConfusionMatrix {
  return matrix.map((row) => {
    const all = row.reduce((a, b) => a + b, 0);
    return row.map((count) => (all === 0 ? 0 : Math.round((100 * count) / all)));
  });
}
