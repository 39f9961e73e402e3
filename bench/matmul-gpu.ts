/**
 * Matrix products against @tensorflow/tfjs-backend-webgl, in one page of Chromium and side by side.
 *
 *     pnpm bench:matmul-gpu [size …]
 *
 * Prints a table and writes results/matmul-gpu.json. Without a GPU both run on SwiftShader, which computes on the CPU.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { chromiumFlags, findChromium } from '../scripts/chromium.ts';
import type { Comparison, Report } from './browser/matmul.ts';

const rounds = 15;
const sizes = process.argv.slice(2).map(Number);
const report = await compareInChromium(sizes.length > 0 ? sizes : [256, 512, 1024]);
print(report);
const folder = fileURLToPath(new URL('results/', import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}matmul-gpu.json`, `${JSON.stringify(report, null, 2)}\n`);

async function compareInChromium(sizes: readonly number[]): Promise<Report> {
  const executablePath = findChromium();
  if (!executablePath) throw new Error('no Chromium was found: install it, or set CHROMIUM_PATH');
  const root = fileURLToPath(new URL('browser/', import.meta.url));
  const outDir = mkdtempSync(join(tmpdir(), 'halfgrad-bench-'));
  const resolve = { conditions: ['@halfgrad/source'] };
  const entry = join(root, 'matmul.html');
  await build({
    root,
    resolve,
    logLevel: 'error',
    build: { outDir, rolldownOptions: { input: entry }, target: 'esnext' },
  });
  const server = await preview({ root, build: { outDir }, logLevel: 'error' });
  const browser = await chromium.launch({ executablePath, args: [...chromiumFlags] });
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(error.message));
    await page.goto(`${server.resolvedUrls?.local[0]}matmul.html`);
    await page.waitForFunction(() => 'compare' in window);
    return await page.evaluate(([all, count]) => window.compare(all, count), [sizes, rounds] as const);
  } finally {
    await browser.close();
    await server.close();
    rmSync(outDir, { recursive: true });
  }
}

function print({ renderer, tfjs, comparisons }: Report): void {
  console.log(`ms per product, median (best) of ${rounds} rounds; ${renderer}; tfjs ${tfjs}`);
  console.log(['size', 'halfgrad', 'tfjs-webgl', 'ratio'].map((title) => title.padStart(18)).join(''));
  for (const { size, halfgrad, tfjs: theirs } of comparisons) {
    const cells = [`${size}³`, show(halfgrad), show(theirs), (median(theirs) / median(halfgrad)).toFixed(2)];
    console.log(cells.map((cell) => cell.padStart(18)).join(''));
  }
}

function show(times: Comparison['halfgrad']): string {
  return `${median(times).toFixed(1)} (${Math.min(...times).toFixed(1)})`;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}
