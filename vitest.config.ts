import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { chromiumFlags, findChromium } from './scripts/chromium.ts';

const noFiles = fileURLToPath(new URL('scripts/no-files.ts', import.meta.url));
const conditions = ['@halfgrad/source'];
const gpuTests = ['packages/backend-gpu/src/**/*.test.ts'];
/** A software GPU compiles and runs hundreds of shaders in some of them. */
const gpuTimeoutMs = 120_000;

const unit: TestProjectConfiguration = {
  ssr: { resolve: { conditions } },
  test: {
    name: 'unit',
    include: ['packages/*/src/**/*.test.ts', 'examples/**/*.test.ts', 'docs/**/*.test.ts', 'scripts/*.test.ts'],
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

export default defineConfig({ test: { projects: [unit, gpuInNode, ...gpuInChromium()] } });

/** The same tests where the users are. */
function gpuInChromium(): TestProjectConfiguration[] {
  const executablePath = findChromium();
  if (!executablePath) {
    console.log('skipped "gpu in Chromium": no Chromium was found. Install it, or set CHROMIUM_PATH.');
    return [];
  }
  return [
    {
      root: './packages/backend-gpu',
      resolve: { conditions, alias: { 'node:fs': noFiles, 'node:path': noFiles } },
      optimizeDeps: { include: ['gpu.js', 'fast-check', '@halfgrad/core > @petamoriken/float16'] },
      test: {
        name: 'gpu in Chromium',
        include: ['src/**/*.test.ts'],
        testTimeout: gpuTimeoutMs,
        browser: {
          enabled: true,
          headless: true,
          screenshotFailures: false,
          provider: playwright({ launchOptions: { executablePath, args: [...chromiumFlags] } }),
          instances: [{ browser: 'chromium' }],
        },
      },
    },
  ];
}
