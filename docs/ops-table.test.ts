import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { opsPage, renderOpsTable } from './ops-table.ts';

test('the page of ops is current: run `node --conditions=@halfgrad/source docs/ops-table.ts`', () => {
  expect(readFileSync(opsPage, 'utf8')).toBe(renderOpsTable());
});
