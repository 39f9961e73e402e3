import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCifar10, syntheticCifar } from '@halfgrad/data';
import { afterAll, describe, expect, test } from 'vitest';
import type { ComparisonReport } from '../experiments/comparison.ts';

const main = join(import.meta.dirname, 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'halfgrad-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function halfgrad(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--conditions=@halfgrad/source', main, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

const tiny = ['compare', '--train', '20', '--test', '10', '--epochs', '1', '--batch', '10'];

describe('halfgrad compare', () => {
  test('prints a line per epoch and mode, then the report', async () => {
    const { code, stdout, stderr } = await halfgrad(...tiny);
    expect(code).toBe(0);
    expect(
      stderr
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/)[0]),
    ).toEqual(['none', 'automatic', 'manual']);
    for (const word of ['accuracy', 'precision', 'recall', 'F1', 'not judged', 'skipped'])
      expect(stdout).toContain(word);
  });

  test('gives machines the same report, on the screen and in a file', async () => {
    const output = join(folder, 'report.json');
    const { stdout } = await halfgrad(...tiny, '--modes', 'none,manual', '--seeds', '2', '--json', '--output', output);
    const report = JSON.parse(stdout) as ComparisonReport;
    expect(report.schema).toBe('halfgrad.compare/1');
    expect(report.modes.map(({ mode }) => mode)).toEqual(['none', 'manual']);
    expect(report.modes.map(({ accuracies }) => accuracies.length)).toEqual([2, 2]);
    expect(report.verdicts[0]?.criteria.map(({ name, verdict }) => [name, verdict])).toContainEqual([
      'time',
      'not judged',
    ]);
    expect(readFileSync(output, 'utf8')).toBe(stdout);
  });

  test.each([
    [['--use-amp'], 'automatic'],
    [['--no-use-amp'], 'none'],
  ])('trains one mode with %s', async (flags, mode) => {
    const { stdout } = await halfgrad(...tiny, ...flags, '--json');
    expect((JSON.parse(stdout) as ComparisonReport).modes.map((summary) => summary.mode)).toEqual([mode]);
  });

  test('reads the binary format from a folder', async () => {
    const data = mkdtempSync(join(folder, 'data-'));
    writeFileSync(join(data, 'data_batch_1.bin'), syntheticCifar({ count: 20, seed: 3 }));
    writeFileSync(join(data, 'test_batch.bin'), syntheticCifar({ count: 10, seed: 4 }));
    const { code, stdout } = await halfgrad('compare', '--data', data, '--epochs', '1', '--modes', 'none', '--json');
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as ComparisonReport).data).toMatchObject({ train: 20, test: 10 });
    expect(parseCifar10(readFileSync(join(data, 'test_batch.bin'))).labels).toHaveLength(10);
  });
});

describe('what cannot be done is said, with exit code 2, and leaves nothing behind', () => {
  const cases: readonly [string[], RegExp][] = [
    [['compare', '--modes', 'float8'], /There is no mode "float8". Use some of none, automatic, manual/],
    [['compare', '--epochs', '0'], /Give a whole number, 1 or more/],
    [['compare', '--model', 'vgg'], /Allowed choices are small-cnn/],
    [['compare', '--loss-factor', 'tiny'], /Give a number, such as 0.5 or 2\^-16/],
    [['compare', '--ephocs', '1'], /unknown option '--ephocs'[\s\S]*--epochs/],
    [['compere'], /unknown command 'compere'[\s\S]*compare/],
    [['compare', '--data', join(folder, 'nowhere')], /nowhere does not exist/],
  ];
  test.each(cases)('%j', async (args, message) => {
    const output = join(folder, 'never.json');
    const { code, stderr } = await halfgrad(...args, ...(args[0] === 'compare' ? ['--output', output] : []));
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(existsSync(output)).toBe(false);
  });

  test('an empty folder, and a truncated file', async () => {
    const data = mkdtempSync(join(folder, 'bad-'));
    expect(await halfgrad('compare', '--data', data)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/the folder is empty/) as string,
    });
    writeFileSync(join(data, 'data_batch_1.bin'), new Uint8Array(5000));
    writeFileSync(join(data, 'test_batch.bin'), new Uint8Array(3073));
    const { code, stderr } = await halfgrad('compare', '--data', data);
    expect(code).toBe(2);
    expect(stderr).toMatch(/data_batch_1.bin[\s\S]*3,?073[\s\S]*5,?000|data_batch_1.bin[\s\S]*5,?000[\s\S]*3,?073/);
  });

  test('a file that cannot be written', async () => {
    const { code, stderr } = await halfgrad(
      ...tiny,
      '--modes',
      'none',
      '--output',
      join(folder, 'no', 'such', 'place.json'),
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot write .*place.json/);
    expect(readdirSync(folder)).not.toContain('no');
  });
});
