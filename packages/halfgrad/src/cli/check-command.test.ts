import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'halfgrad-check-'));
afterAll(() => rmSync(folder, { recursive: true }));

function check(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = join(import.meta.dirname, 'main.ts');
  const command = ['--conditions=@halfgrad/source', main, 'check', 'scaler', ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, command, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

/** A scaler in another process that never skips a step. */
const remote = join(folder, 'remote.mjs');
writeFileSync(
  remote,
  `import { createInterface } from 'node:readline';
const scalers = new Map();
createInterface({ input: process.stdin }).on('line', (line) => {
  const { method, scaler, options, loss, gradients = [] } = JSON.parse(line);
  if (method === 'create') scalers.set(scaler, { S: options.enabled ? options.initScale : 1, unscaled: false });
  const own = scalers.get(scaler);
  const divided = gradients.map((g) => (own.unscaled || typeof g === 'string' ? g : g / own.S));
  if (method === 'unscale') own.unscaled = true;
  if (method === 'update') own.unscaled = false;
  console.log(JSON.stringify({ value: loss * own.S, gradients: divided, stepped: true, state: {} }));
});
`,
);

test('judges a process that speaks JSON lines, property by property, and exits with 1', async () => {
  const { code, stdout } = await check('--stdio', `"${process.execPath}" ${remote}`, '--cases', '10');
  expect(stdout).toMatch(/ok {4}scale then unscale is exact for powers of two +10 cases/);
  expect(stdout).toMatch(
    /FAIL {2}NaN counts as overflow +case 1, shrunk\n.*expected.*got:.*\n +NaN is not equal to anything/,
  );
  expect(stdout).toMatch(/\d+ of 20 properties hold · seed 0/);
  expect(code).toBe(1);
});

test('reports in the formats of machines', async () => {
  const command = ['--stdio', `"${process.execPath}" ${remote}`, '--cases', '2'];
  const report = JSON.parse((await check(...command, '--json')).stdout);
  expect([report.schema, report.holds, report.outcomes.length]).toEqual(['halfgrad.check-scaler/1', false, 20]);
  expect((await check(...command, '--report', 'junit')).stdout).toMatch(
    /<testsuite name="scaler" tests="20" failures="\d+">/,
  );
});

test.each([
  [[], /give either a file or --stdio/],
  [['nowhere.ts'], /nowhere.ts cannot be loaded/],
  [[remote.replace('remote', 'empty')], /does not export a function createScaler/],
  [[remote, '--cases', '0'], /Give a whole number, 1 or more/],
])('says what cannot be done, with exit code 2: %j', async (args, message) => {
  writeFileSync(join(folder, 'empty.mjs'), '');
  const { code, stderr } = await check(...args);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});
