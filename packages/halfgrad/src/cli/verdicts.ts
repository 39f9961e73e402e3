import type { ComparisonReport, Criterion, Verdict } from '../experiments/comparison.ts';
import { formatCount, formatProbability, formatSigned } from './format.ts';
import { renderTable } from './table.ts';
import { wrap } from './text.ts';
import type { Colors, RenderOptions } from './theme.ts';

/** The answer to each criterion for each mode, with its definition and the evidence. */
export function renderVerdicts(report: ComparisonReport, { colors, columns }: RenderOptions): string[] {
  const { modes, verdicts, data, settings } = report;
  if (modes.every(({ mode }) => mode !== 'none')) {
    return wrap('No verdict: there is no float32 to compare with. Add the mode none.', columns).map(colors.dim);
  }
  const pairs = data.test * settings.seeds.length;
  const criteria = verdicts[0]?.criteria ?? [];
  return criteria.flatMap(({ name, definition }, i) => {
    const [question = '', ...rest] = wrap(`${name}: ${definition}`, columns);
    const rows = verdicts.flatMap((verdict) => rowsOf(verdict, verdict.criteria[i] as Criterion, pairs, colors));
    return [
      ...(i === 0 ? [] : ['']),
      question.replace(name, colors.bold(name)),
      ...rest,
      ...renderTable(rows, ['left', 'left', 'left']).map((line) => `  ${line}`),
    ];
  });
}

function rowsOf({ mode, paired }: Verdict, criterion: Criterion, pairs: number, colors: Colors): string[][] {
  const { name, verdict, pairsNeeded } = criterion;
  const remarks: string[] = [];
  if (name === 'accuracy') {
    const { onlyA, onlyB, pValue } = paired;
    const split = `${formatCount(onlyA)} right only here, ${formatCount(onlyB)} only in float32`;
    remarks.push(`${split}; McNemar's test: ${formatProbability(pValue)}`);
  }
  if (pairsNeeded !== undefined) {
    const enough = formatCount(Number(pairsNeeded.toPrecision(2)));
    remarks.push(`${formatCount(pairs)} predictions leave it open, about ${enough} would settle it`);
  }
  return [
    [mode, verdictText(verdict, colors), evidence(criterion)],
    ...remarks.map((remark) => ['', '', colors.dim(remark)]),
  ];
}

function verdictText(verdict: Criterion['verdict'], colors: Colors): string {
  const paint = { pass: colors.green, fail: colors.red, inconclusive: colors.yellow, 'not judged': colors.dim }[
    verdict
  ];
  return paint(verdict === 'not judged' ? verdict : verdict.toUpperCase());
}

function evidence({ name, estimate, reason }: Criterion): string {
  if (!estimate) return reason ?? '';
  const { difference, interval } = estimate;
  if (name === 'accuracy') {
    const [lower, upper] = interval.map((limit) => formatSigned(limit, 2));
    return `${formatSigned(difference, 2)} pp, 95 % interval ${lower} to ${upper}`;
  }
  const [lower, upper] = interval.map(formatSaving);
  return lower === upper ? formatSaving(difference) : `${formatSaving(difference)}; single epochs ${lower} to ${upper}`;
}

function formatSaving(percent: number): string {
  return percent < 0 ? `${(-percent).toFixed(1)} % more` : `${percent.toFixed(1)} % less`;
}
