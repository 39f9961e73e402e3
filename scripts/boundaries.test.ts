import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

describe('the lint command of `pnpm verify`', () => {
  let copy: string;

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), 'halfgrad-boundaries-'));
    const configuration = ['.gitignore', 'package.json', 'biome.json', 'scripts/core-layers.grit'];
    for (const file of [...configuration, ...globSync('packages/*/package.json', { cwd: root })]) {
      cpSync(join(root, file), join(copy, file));
    }
  });

  afterEach(() => rmSync(copy, { recursive: true }));

  test('is part of it', () => {
    expect(scripts.verify).toContain('pnpm run lint ');
  });

  test('accepts imports that keep to the rules', () => {
    plant({
      'packages/core/src/spec/shape.ts':
        "import type { Tensor } from '../tensor/tensor.ts';\n\nexport type ShapeOf = Tensor;\n",
      'packages/core/src/tensor/tensor.ts':
        "import type { ShapeOf } from '../spec/shape.ts';\n\nexport type Tensor = ShapeOf | 0;\n",
      'packages/amp/src/policy.ts': "import { matmul } from '@halfgrad/core';\n\nexport const policy = [matmul];\n",
      'packages/amp/src/policy.test.ts':
        "import { nn } from '@halfgrad/nn';\nimport { test } from 'vitest';\n\ntest('runs', () => nn);\n",
    });
    expect(lint()).toEqual({ status: 0, rules: [] });
  });

  test('rejects an import cycle', () => {
    plant({
      'packages/amp/src/chicken.ts': "import { egg } from './egg.ts';\n\nexport const chicken = () => egg;\n",
      'packages/amp/src/egg.ts': "import { chicken } from './chicken.ts';\n\nexport const egg = () => chicken;\n",
    });
    expect(lint()).toEqual({ status: 1, rules: ['lint/suspicious/noImportCycles'] });
  });

  test.each(['@halfgrad/core/src/spec/dtype.ts', '@halfgrad/core/dist/index.js', '../../core/src/spec/dtype.ts'])(
    "rejects an import of a package's inside: %s",
    (inside) => {
      plant({
        'packages/amp/src/policy.ts': `import { dtypes } from '${inside}';\n\nexport const policy = [dtypes];\n`,
      });
      expect(lint()).toEqual({ status: 1, rules: ['lint/style/noRestrictedImports'] });
    },
  );

  test.each([
    ['a sibling package', '@halfgrad/data'],
    ['a package from the registry', 'commander'],
    ['a devDependency in code that is published', '@halfgrad/nn'],
  ])('rejects an undeclared import: %s', (_, name) => {
    plant({ 'packages/amp/src/policy.ts': `import { thing } from '${name}';\n\nexport const policy = [thing];\n` });
    expect(lint()).toEqual({ status: 1, rules: ['lint/correctness/noUndeclaredDependencies'] });
  });

  const layers = ['spec', 'ops', 'dispatch', 'functional', 'autograd', 'tensor'];

  test.each(layers.flatMap((lower, i) => layers.slice(i + 1).map((upper) => [lower, upper])))(
    'rejects a value that core/src/%s imports from %s',
    (lower, upper) => {
      plant({
        [`packages/core/src/${lower}/a.ts`]: `import { b } from '../${upper}/b.ts';\n\nexport const a = [b];\n`,
      });
      expect(lint()).toEqual({ status: 1, rules: ['plugin'] });
    },
  );

  test.each([
    "export { b } from '../tensor/b.ts';\n",
    "export * from '../tensor/b.ts';\n",
    "import '../tensor/b.ts';\n",
  ])('rejects every form of import from a later folder of core: %s', (source) => {
    plant({ 'packages/core/src/spec/a.ts': source });
    expect(lint()).toEqual({ status: 1, rules: ['plugin'] });
  });

  function plant(files: Record<string, string>): void {
    for (const [path, source] of Object.entries(files)) {
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      writeFileSync(join(copy, path), source);
    }
  }

  function lint(): { status: number | null; rules: string[] } {
    const { status, stdout, stderr } = spawnSync(scripts.lint, {
      cwd: copy,
      shell: true,
      encoding: 'utf8',
      env: { ...process.env, PATH: join(root, 'node_modules/.bin') + delimiter + process.env['PATH'] },
    });
    const headings = `${stdout}${stderr}`.matchAll(/^packages\/\S+?(?::\d+:\d+)? (\S+) .*━/gm);
    return { status, rules: [...new Set(Array.from(headings, ([, rule]) => rule ?? ''))] };
  }
});
