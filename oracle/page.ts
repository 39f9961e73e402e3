import { merge } from './report.ts';
import { countOf, type SuiteResult } from './run.ts';
import { reasonFor } from './scope.ts';

/** The results of every suite on one device. */
export interface DeviceResults {
  readonly device: string;
  readonly results: readonly SuiteResult[];
}

/** The page of the docs; the same results give the same text. */
export function renderPage(runs: readonly DeviceResults[]): string {
  const [first] = runs;
  if (!first) return '';
  const needs = [...merge(first.results.map(({ unsupported }) => unsupported))].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    '# Held against others',
    '',
    'Answers that others recorded, and how many of them the library gives. `pnpm oracle` prints this; `pnpm oracle',
    '--write-docs` writes this page. The data are not part of the repository.',
    '',
    `| suite | recorded by | tolerance | cases | ${runs.map(({ device }) => `${device} |`).join(' ')} not supported |`,
    `|---|---|---|--:|${'--:|'.repeat(runs.length)}--:|`,
    ...first.results.map((result, i) =>
      [
        `| ${result.suite.name}`,
        result.suite.source,
        result.suite.tolerance,
        caseCount(result),
        ...runs.map(({ results }) => passed(results[i] as SuiteResult)),
        `${countOf(result.unsupported) || ''} |`,
      ].join(' | '),
    ),
    '',
    '## Not supported',
    '',
    'What the library leaves out on purpose, from [`scope.ts`](../../oracle/scope.ts), with the cases that need it.',
    '',
    '| needs | cases | because |',
    '|---|--:|---|',
    ...needs.map(([need, cases]) => `| ${need} | ${cases.length} | ${reasonFor(need) ?? ''} |`),
    '',
  ].join('\n');
}

function caseCount({ passed, failed, unsupported, missing }: SuiteResult): number {
  return passed + failed.length + countOf(unsupported) + countOf(missing);
}

/** The number that passed; those that did not, in words. */
function passed({ passed, failed, missing }: SuiteResult): string {
  const wrong = [
    failed.length > 0 && `${failed.length} failed`,
    countOf(missing) > 0 && `${countOf(missing)} missing`,
  ].filter(Boolean);
  return [passed, ...wrong].join(', ');
}
