import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { chromiumFlags, findChromium } from './scripts/chromium.ts';

const noFiles = fileURLToPath(new URL('scripts/no-files.ts', import.meta.url));
const env = { HALFGRAD_SKIP: process.env['HALFGRAD_SKIP'] };
const conditions = ['@halfgrad/source'];
const gpuTests = ['packages/backend-gpu/src/**/*.test.ts', 'examples/digits/*.test.ts'];
/** Against tests that hang: some start processes that train, or compile hundreds of shaders on a software GPU. */
const testTimeout = 120_000;

const unit: TestProjectConfiguration = {
  ssr: { resolve: { conditions } },
  test: {
    name: 'unit',
    include: [
      'packages/*/src/**/*.test.ts',
      'examples/**/*.test.ts',
      'docs/**/*.test.ts',
      'oracle/*.test.ts',
      'scripts/*.test.ts',
    ],
    exclude: ['**/node_modules/**', ...gpuTests],
    testTimeout,
    typecheck: {
      enabled: true,
      include: ['packages/*/src/**/*.test-d.ts'],
      tsconfig: './tsconfig.test.json',
      ignoreSourceErrors: true,
    },
  },
};

/** Only browsers take a context away. */
const browserOnly = ['**/context-loss.test.ts'];

/** WebGL 2 by headless-gl, with an X server started where there is none. */
const gpuInNode: TestProjectConfiguration = {
  ssr: { resolve: { conditions } },
  test: {
    name: 'gpu in Node',
    include: gpuTests,
    exclude: ['**/node_modules/**', ...browserOnly],
    globalSetup: './scripts/xvfb.setup.ts',
    testTimeout,
  },
};

/** Test files that also run where the users are, by the folder that is the browser's root. */
const browserTests: Readonly<Record<string, readonly string[]>> = {
  'packages/backend-cpu': ['src/conformance.test.ts', 'src/same-bits.test.ts'],
  'packages/backend-wasm': ['src/conformance.test.ts', 'src/training.test.ts', 'src/kernels/*.test.ts'],
  'packages/backend-gpu': ['src/**/*.test.ts'],
  examples: ['digits/*.test.ts'],
};

/** What Vite has to bundle before the tests of a folder begin: CommonJS, and what it would otherwise find too late. */
const prebundled: Readonly<Record<string, readonly string[]>> = {
  'packages/backend-cpu': ['fast-check', '@halfgrad/core > @petamoriken/float16'],
  'packages/backend-wasm': ['fast-check', '@halfgrad/core > @petamoriken/float16'],
  'packages/backend-gpu': ['gpu.js', 'fast-check', '@halfgrad/core > @petamoriken/float16'],
  examples: ['halfgrad > @halfgrad/backend-gpu > gpu.js', 'halfgrad > @halfgrad/core > @petamoriken/float16'],
};

/** A project per folder in Chromium, or one test that says why not. */
function inChromium(): TestProjectConfiguration[] {
  const executablePath = findChromium();
  if (!executablePath) {
    if (env.HALFGRAD_SKIP === 'nothing') throw new Error('tests in Chromium: no Chromium was found');
    return [{ test: { name: 'in Chromium', include: ['scripts/skipped/chromium.test.ts'] } }];
  }
  return Object.entries(browserTests).map(([folder, include]) => ({
    root: `./${folder}`,
    resolve: { conditions, alias: { 'node:fs': noFiles, 'node:path': noFiles } },
    optimizeDeps: { include: [...(prebundled[folder] ?? [])] },
    test: {
      name: `${folder.replace('packages/', '')} in Chromium`,
      include: [...include],
      env,
      testTimeout,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath, args: [...chromiumFlags] } }),
        instances: [{ browser: 'chromium' }],
      },
    },
  }));
}

export default defineConfig({ test: { projects: [unit, gpuInNode, ...inChromium()] } });
