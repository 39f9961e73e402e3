import { accuracy, type ConfusionMatrix, checkSameLength } from './confusion-matrix.ts';
import { averageScores, type ClassScores, classScores, type Scores } from './scores.ts';

/** The scores of a classifier, by class and averaged (`sklearn.metrics.classification_report`). */
export interface ClassificationReport {
  readonly classes: readonly (ClassScores & { readonly name: string })[];
  readonly accuracy: number;
  readonly macro: Scores;
  readonly weighted: Scores;
  readonly support: number;
}

export function classificationReport(matrix: ConfusionMatrix, classNames?: readonly string[]): ClassificationReport {
  const names = classNames ?? matrix.map((_, i) => String(i));
  checkSameLength('classificationReport', { matrix, classNames: names });
  const classes = classScores(matrix).map((scores, i) => ({ name: names[i] as string, ...scores }));
  return {
    classes,
    accuracy: accuracy(matrix),
    macro: averageScores(matrix, 'macro'),
    weighted: averageScores(matrix, 'weighted'),
    support: classes.reduce((sum, { support }) => sum + support, 0),
  };
}

/** The report as an aligned text table in scikit-learn's layout, scores with three decimals. */
export function formatClassificationReport(report: ClassificationReport): string {
  const scoreCells = ({ precision, recall, f1 }: Scores): string[] => [precision, recall, f1].map((x) => x.toFixed(3));
  const support = String(report.support);
  const rows = [
    ['', 'precision', 'recall', 'F1', 'support'],
    ...report.classes.map((row) => [row.name, ...scoreCells(row), String(row.support)]),
    ['accuracy', '', '', report.accuracy.toFixed(3), support],
    ['macro average', ...scoreCells(report.macro), support],
    ['weighted average', ...scoreCells(report.weighted), support],
  ];
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n');
}
