import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const signatures = 'packages/core/src/ops/signatures.ts';
/** The five tables. */
const tables = [
  'packages/amp/src/policy.ts',
  'packages/backend-cpu/src/kernels/index.ts',
  'packages/core/src/autograd/derivatives.ts',
  'packages/core/src/ops/infer.ts',
  'packages/testing/src/samples.ts',
];

const compilingTimeLimitMs = 60_000;

let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'halfgrad-new-op-'));
  for (const file of ['package.json', 'tsconfig.base.json', 'tsconfig.test.json']) {
    cpSync(join(root, file), join(copy, file));
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  for (const folder of globSync('packages/*/src', { cwd: root }).map(dirname)) {
    cpSync(join(root, folder, 'src'), join(copy, folder, 'src'), { recursive: true });
    cpSync(join(root, folder, 'package.json'), join(copy, folder, 'package.json'));
    symlinkSync(join(root, folder, 'node_modules'), join(copy, folder, 'node_modules'));
  }
  const configuration = {
    extends: './tsconfig.test.json',
    // The linked packages are the originals; these are the copies.
    compilerOptions: { paths: { '@halfgrad/*': ['./packages/*/src/index.ts'] } },
    include: ['packages/*/src'],
  };
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify(configuration));
});

afterAll(() => rmSync(copy, { recursive: true }));

test(
  'an op that is added to Ops<T> has to be entered in the five tables, and nowhere else',
  () => {
    const before = errors();
    const source = readFileSync(join(copy, signatures), 'utf8');
    const extended = source.replace('export interface Ops<T> {', '$& dummy(inputs: { x: T }): T;');
    writeFileSync(join(copy, signatures), extended);
    const added = errors().filter((error) => !before.includes(error));
    expect(added.map((error) => error.split('(')[0]).toSorted()).toEqual(tables);
  },
  compilingTimeLimitMs,
);

/** One line per error, beginning with the file. */
function errors(): string[] {
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--pretty', 'false', '-p', copy], {
    cwd: copy,
    encoding: 'utf8',
  });
  return stdout.split('\n').filter((line) => line.includes(': error TS'));
}
