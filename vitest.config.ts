import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { chromiumFlags, findChromium } from './scripts/chromium.ts';

const noFiles = fileURLToPath(new URL('scripts/no-files.ts', import.meta.url));
const env = { HALFGRAD_SKIP: process.env['HALFGRAD_SKIP'] };
const conditions = ['@halfgrad/source'];
const gpuTests = ['packages/backend-gpu/src/**/*.test.ts'];
/** A software GPU compiles and runs hundreds of shaders in some of them. */
const gpuTimeoutMs = 120_000;

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
    typecheck: {
      enabled: true,
      include: ['packages/*/src/**/*.test-d.ts'],
      tsconfig: './tsconfig.test.json',
      ignoreSourceErrors: true,
    },
  },
};

/** WebGL 2 by headless-gl, with an X server started where there is none. */
const gpuInNode: TestProjectConfiguration = {
  ssr: { resolve: { conditions } },
  test: {
    name: 'gpu in Node',
    include: gpuTests,
    globalSetup: './scripts/xvfb.setup.ts',
    testTimeout: gpuTimeoutMs,
  },
};

/** The same tests where the users are, or one that says why not. */
function gpuInChromium(): TestProjectConfiguration {
  const name = 'gpu in Chromium';
  const executablePath = findChromium();
  if (!executablePath) {
    if (env.HALFGRAD_SKIP === 'nothing') throw new Error(`${name}: no Chromium was found`);
    return { test: { name, include: ['scripts/skipped/chromium.test.ts'] } };
  }
  return {
    root: './packages/backend-gpu',
    resolve: { conditions, alias: { 'node:fs': noFiles, 'node:path': noFiles } },
    optimizeDeps: { include: ['gpu.js', 'fast-check', '@halfgrad/core > @petamoriken/float16'] },
    test: {
      name,
      include: ['src/**/*.test.ts'],
      env,
      testTimeout: gpuTimeoutMs,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath, args: [...chromiumFlags] } }),
        instances: [{ browser: 'chromium' }],
      },
    },
  };
}

export default defineConfig({ test: { projects: [unit, gpuInNode, gpuInChromium()] } });
