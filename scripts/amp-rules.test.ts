import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ampRulesPage, collectRules, renderRules } from './amp-rules.ts';

const rules = collectRules();

test('the page of rules and tests is current: run `node scripts/amp-rules.ts`', () => {
  expect(readFileSync(ampRulesPage, 'utf8')).toBe(renderRules(rules));
});

test('every id of the checklist about the scaler has a test or a written reason', () => {
  const page = renderRules(rules);
  const ids = [
    ...Array.from({ length: 20 }, (_, i) => `T-GS-${String(i + 1).padStart(2, '0')}`),
    ...['04', '05', '06', '07', '11'].map((n) => `T-X-${n}`),
  ];
  expect(ids.filter((id) => !page.includes(`| ${id} |`))).toEqual([]);
});
