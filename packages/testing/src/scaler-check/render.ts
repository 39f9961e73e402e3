import type { PropertyOutcome, ScalerReport } from './check-scaler.ts';

const nameWidth = 62;

/** One line for a property that holds; for another also the counterexample and the usual mistake. */
export function renderOutcome({ name, cases, failure }: PropertyOutcome): string {
  if (!failure) return `  ok    ${name.padEnd(nameWidth)} ${cases} cases\n`;
  const lines = [...failure.counterexample.split('\n'), failure.explanation].map((line) => `        ${line}\n`);
  return `  FAIL  ${name.padEnd(nameWidth)} case ${failure.case}, shrunk\n${lines.join('')}`;
}

export function renderSummary({ outcomes, seed }: ScalerReport): string {
  const held = outcomes.filter(({ failure }) => !failure).length;
  return `  ${held} of ${outcomes.length} properties hold · seed ${seed}\n`;
}

/** The report in JUnit's XML, which CI systems read. */
export function renderJunit({ outcomes }: ScalerReport): string {
  const failures = outcomes.filter(({ failure }) => failure).length;
  const cases = outcomes.map(({ name, failure }) => {
    const attributes = `classname="scaler" name="${escapeXml(name)}"`;
    if (!failure) return `  <testcase ${attributes}/>\n`;
    const message = escapeXml(failure.explanation);
    return `  <testcase ${attributes}>\n    <failure message="${message}">${escapeXml(failure.counterexample)}</failure>\n  </testcase>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="scaler" tests="${outcomes.length}" failures="${failures}">\n${cases.join('')}</testsuite>\n`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] as string);
}
