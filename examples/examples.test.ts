import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

function run(file: string, ...args: string[]): string {
  return execFileSync(process.execPath, ['--conditions=@halfgrad/source', join(import.meta.dirname, file), ...args], {
    encoding: 'utf8',
  });
}

test("the README's example is the file, and prints what the README says", () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, code, output] =
    /<!-- region: examples\/first-step.ts -->\n```ts\n([\s\S]*?)```\n<!-- endregion -->\n\n```\n([\s\S]*?)```/.exec(
      readme,
    ) ?? [];
  expect(code).toBe(readFileSync(join(import.meta.dirname, 'first-step.ts'), 'utf8'));
  expect(output).toBe(run('first-step.ts'));
});
