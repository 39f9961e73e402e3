import type { ConfusionMatrix } from '@halfgrad/metrics';
import { formatSigned } from './format.ts';
import { fill, pad, widthOf, wrap } from './text.ts';
import type { Colors, RenderOptions } from './theme.ts';

export interface NamedMatrix {
  readonly name: string;
  readonly matrix: ConfusionMatrix;
}

/**
 * Confusion matrices side by side, then how each but the first differs from the first.
 *
 * Cells are counts, or percentages of their row once a count has three digits. Matrices that do not fit into the line
 * follow below.
 */
export function renderConfusions(
  matrices: readonly NamedMatrix[],
  classNames: readonly string[],
  { colors, columns }: RenderOptions,
): string[] {
  const isCounted = matrices.every(({ matrix }) => matrix.flat().every((count) => count < 100));
  const shown = matrices.map(({ name, matrix }) => ({ name, matrix: isCounted ? matrix : rowPercentages(matrix) }));
  const [baseline, ...others] = shown;
  if (!baseline) return [];
  const blocks = [
    ...besideEachOther(
      shown.map((each) => matrixBlock(each, colors)),
      classNames,
      { colors, columns },
    ),
    ...besideEachOther(
      others.map((each) => differenceBlock(each, baseline, colors)),
      classNames,
      { colors, columns },
    ),
  ];
  if (blocks.length === 0)
    return wrap(`${classNames.length} classes are too many to show; the JSON report has them.`, columns);

  const unit = isCounted ? 'Images' : 'Percent of the images of a class';
  const explanation = `${unit}, true classes in rows, predicted ones in columns:`.split(' ');
  const legend = classNames.map((name, i) => `${i} ${name}${i < classNames.length - 1 ? ',' : '.'}`);
  return [...fill([...explanation, ...legend], ' ', columns).map(colors.dim), ...blocks];
}

/** A title, the numbers of the classes, then a line per true class. */
type Block = readonly string[];

/** Two digits and a space; 100 fits too, since its neighbours are then empty. */
const cellWidth = 3;
/** A digit, a space, three letters of a class and a space. */
const labelWidth = 6;
const border = ' │';

function rowPercentages(matrix: ConfusionMatrix): ConfusionMatrix {
  return matrix.map((row) => {
    const all = row.reduce((a, b) => a + b, 0);
    return row.map((count) => (all === 0 ? 0 : Math.round((100 * count) / all)));
  });
}

function matrixBlock({ name, matrix }: NamedMatrix, colors: Colors): Block {
  const cells = matrix.map((row, i) =>
    row.map((count, j) => (count === 0 ? colors.dim('·') : i === j ? colors.bold(String(count)) : String(count))),
  );
  return createBlock(name, cells, cellWidth, colors);
}

/** Green where there is more on the diagonal or less beside it, red where it is the other way round. */
function differenceBlock({ name, matrix }: NamedMatrix, baseline: NamedMatrix, colors: Colors): Block {
  const cells = matrix.map((row, i) =>
    row.map((count, j) => {
      const difference = count - (baseline.matrix[i]?.[j] ?? 0);
      if (difference === 0) return colors.dim('·');
      const paint = difference > 0 === (i === j) ? colors.green : colors.red;
      return paint(formatSigned(difference, 0));
    }),
  );
  const width = Math.max(cellWidth, 1 + Math.max(...cells.flat().map(widthOf)));
  return createBlock(`${name} - ${baseline.name}`, cells, width, colors);
}

function createBlock(title: string, cells: readonly (readonly string[])[], width: number, colors: Colors): Block {
  const line = (row: readonly string[]): string => row.map((cell) => pad(cell, width, 'right')).join('');
  return [` ${colors.bold(title)}`, colors.dim(line(cells.map((_, i) => String(i)))), ...cells.map(line)];
}

/** As many blocks beside each other as fit, with the classes at the left; the others below. Nothing if not one fits. */
function besideEachOther(
  blocks: readonly Block[],
  classNames: readonly string[],
  { colors, columns }: RenderOptions,
): string[] {
  const width = Math.max(...blocks.flat().map(widthOf));
  const perLine = Math.floor((columns - labelWidth + border.length) / (width + border.length));
  if (perLine < 1) return [];
  const labels = ['', '', ...classNames.map((name, i) => `${i} ${name}`.slice(0, labelWidth - 1))];
  const lines: string[] = [];
  for (let start = 0; start < blocks.length; start += perLine) {
    const group = blocks.slice(start, start + perLine);
    const joined = labels.map((label, line) => {
      const cells = group.map((block) => pad(block[line] ?? '', width, 'left'));
      return `${colors.dim(pad(label, labelWidth, 'left'))}${cells.join(colors.dim(border))}`.trimEnd();
    });
    lines.push('', ...joined);
  }
  return lines;
}
