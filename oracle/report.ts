import { styleText } from 'node:util';
import { countOf, type Failure, type Needs, type SuiteResult } from './run.ts';
import { reasonFor } from './scope.ts';

/** Failures of a suite that are shown without being asked for all. */
const shownFailures = 5;

type Style = Parameters<typeof styleText>[0];

/** One line for a suite, its columns as wide as `nameWidth` and numbers of four digits make them. */
export function renderLine(
  { suite, passed, failed, unsupported, missing, milliseconds }: SuiteResult,
  nameWidth: number,
): string {
  return [
    suite.name.padEnd(nameWidth),
    counted(passed, 'passed', 'green'),
    counted(failed.length, 'failed', 'red'),
    counted(countOf(unsupported), 'not supported', 'dim'),
    counted(countOf(missing), 'missing', 'yellow'),
    styleText('dim', `${(milliseconds / 1000).toFixed(1).padStart(5)} s`),
  ].join('  ');
}

function counted(count: number, word: string, style: Style): string {
  const text = count === 0 ? '' : `${String(count).padStart(4)} ${word}`;
  return styleText(style, text.padEnd(5 + word.length));
}

/** What the lines only count: failures by suite, and what was needed by how often. */
export function renderDetails(results: readonly SuiteResult[], verbose: boolean): string[] {
  return [
    ...results.flatMap(({ suite, failed }) => renderFailures(suite.name, failed, verbose)),
    ...renderNeeds('Missing', merge(results.map(({ missing }) => missing)), verbose),
    ...renderNeeds('Not supported', merge(results.map(({ unsupported }) => unsupported)), verbose),
  ];
}

function renderFailures(suite: string, failed: readonly Failure[], verbose: boolean): string[] {
  if (failed.length === 0) return [];
  const shown = verbose ? failed : failed.slice(0, shownFailures);
  const hidden = failed.length - shown.length;
  return [
    '',
    styleText('red', `Failed in ${suite}`),
    ...shown.map(({ case: name, problem }) => `  ${name}\n    ${styleText('dim', problem.replaceAll('\n', '\n    '))}`),
    ...(hidden > 0 ? [`  and ${hidden} more; --verbose shows all`] : []),
  ];
}

function renderNeeds(title: string, needs: Needs, verbose: boolean): string[] {
  if (needs.size === 0) return [];
  const rows = [...needs].sort(([, a], [, b]) => b.length - a.length);
  const width = Math.max(...rows.map(([need]) => need.length));
  return [
    '',
    styleText('bold', title),
    ...rows.flatMap(([need, cases]) => [
      `  ${String(cases.length).padStart(4)}  ${need.padEnd(width)}  ${styleText('dim', reasonFor(need) ?? '')}`.trimEnd(),
      ...(verbose ? cases.map((name) => `        ${styleText('dim', name)}`) : []),
    ]),
  ];
}

/** The needs of several suites together. */
export function merge(all: readonly Needs[]): Needs {
  const total = new Map<string, readonly string[]>();
  for (const needs of all) {
    for (const [need, cases] of needs) total.set(need, [...(total.get(need) ?? []), ...cases]);
  }
  return total;
}

/** Everything, for programs. */
export function renderJson(device: string, results: readonly SuiteResult[]): string {
  const suites = results.map(({ suite, unsupported, missing, ...rest }) => ({
    suite: suite.name,
    ...rest,
    unsupported: Object.fromEntries(unsupported),
    missing: Object.fromEntries(missing),
  }));
  return JSON.stringify({ device, suites }, undefined, 2);
}
