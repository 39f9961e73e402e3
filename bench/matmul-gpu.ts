/**
 * Matrix products against @tensorflow/tfjs-backend-webgl, in one page of Chromium and side by side.
 *
 *     pnpm bench:matmul-gpu [size …]
 *
 * Prints a table and writes results/matmul-gpu.json. Both run on SwiftShader, a GPU in software, so the clock is the CPU
 * time of the browser's processes: these numbers say nothing about any real GPU.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright';
import { build, preview } from 'vite';
import { chromiumFlags, findChromium } from '../scripts/chromium.ts';
import type { Peer } from './browser/matmul.ts';
import { cpuMsOfTree } from './process-tree.ts';

/** Milliseconds of CPU time per product, one number per round. */
type Times = Readonly<Record<Peer, readonly number[]>>;

interface Report {
  readonly renderer: string;
  readonly tfjs: string;
  readonly comparisons: readonly (Times & { readonly size: number })[];
}

const rounds = 9;
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
  const input = join(root, 'matmul.html');
  const resolve = { conditions: ['@halfgrad/source'] };
  await build({ root, resolve, logLevel: 'error', build: { outDir, rolldownOptions: { input }, target: 'esnext' } });
  const server = await preview({ root, build: { outDir }, logLevel: 'error' });
  const launched = await chromium.launchServer({ executablePath, args: [...chromiumFlags] });
  try {
    const browser = await chromium.connect(launched.wsEndpoint());
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(error.message));
    await page.goto(`${server.resolvedUrls?.local[0]}matmul.html`);
    await page.waitForFunction(() => 'multiply' in window);
    let environment = { renderer: '', tfjs: '' };
    const comparisons: (Times & { size: number })[] = [];
    for (const size of sizes) {
      environment = await page.evaluate((n) => window.prepare(n), size);
      comparisons.push({ size, ...(await measure(page, size, launched.process().pid!)) });
    }
    return { ...environment, comparisons };
  } finally {
    await launched.close();
    await server.close();
    rmSync(outDir, { recursive: true });
  }
}

/** In every round each peer runs in turn, far longer than the clock's 10 ms. */
async function measure(page: Page, size: number, pid: number): Promise<Times> {
  const repeats = Math.max(Math.round((1600 / size) ** 2), 4);
  const times: Record<Peer, number[]> = { halfgrad: [], tfjs: [] };
  for (let round = 0; round < rounds; round++) {
    for (const peer of ['halfgrad', 'tfjs'] as const) {
      const start = cpuMsOfTree(pid);
      await page.evaluate(([name, count]) => window.multiply(name, count), [peer, repeats] as const);
      times[peer].push((cpuMsOfTree(pid) - start) / repeats);
    }
  }
  return times;
}

function print({ renderer, tfjs, comparisons }: Report): void {
  console.log(`CPU ms per product, median (best) of ${rounds} rounds; ${renderer}; tfjs ${tfjs}`);
  console.log(['size', 'halfgrad', 'tfjs-webgl', 'ratio'].map((title) => title.padStart(18)).join(''));
  for (const { size, halfgrad, tfjs: theirs } of comparisons) {
    const cells = [`${size}³`, show(halfgrad), show(theirs), (median(theirs) / median(halfgrad)).toFixed(2)];
    console.log(cells.map((cell) => cell.padStart(18)).join(''));
  }
}

function show(times: readonly number[]): string {
  return `${median(times).toFixed(1)} (${Math.min(...times).toFixed(1)})`;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!;
}
