/**
 * Matrix products against @tensorflow/tfjs-backend-wasm, in one process and side by side, on one thread each.
 *
 *     pnpm bench:gemm [size …]
 *
 * Prints a table and writes results/gemm.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createWasmDevice } from '@halfgrad/backend-wasm';
import { fromHost, matmul, scope } from '@halfgrad/core';
import { type Contender, measure } from './measure.ts';
import { loadTfjsWasm } from './peers/tfjs.ts';

interface Case {
  readonly size: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

interface Row extends Case {
  readonly peer: string;
  /** GFLOP/s: the median of all rounds, and the best. */
  readonly median: number;
  readonly best: number;
}

const device = createWasmDevice();
const { tf, version } = await loadTfjsWasm();
const sizes = process.argv.slice(2).map(Number);
const rows = (sizes.length > 0 ? sizes : [128, 256, 512, 1024]).flatMap((size) => [
  ...compare({ size, transposeA: false, transposeB: false }),
  // Transposed, tfjs needs seconds for 1024³.
  ...(size <= 512 ? compare({ size, transposeA: false, transposeB: true }) : []),
]);
print(rows);
const folder = fileURLToPath(new URL('results/', import.meta.url));
mkdirSync(folder, { recursive: true });
writeFileSync(`${folder}gemm.json`, `${JSON.stringify({ node: process.version, tfjs: version, rows }, null, 2)}\n`);

function compare(product: Case): Row[] {
  const { size, transposeA, transposeB } = product;
  const [left, right] = [matrix(size, 1), matrix(size, 2)];
  const [a, b] = [fromHost(left, [size, size], { device }), fromHost(right, [size, size], { device })];
  const [ta, tb] = [tf.tensor2d(left, [size, size]), tf.tensor2d(right, [size, size])];
  const ours = (): Float32Array => matmul(a, b, { transposeA, transposeB }).dataSync() as Float32Array;
  requireSame(scope(ours), tf.matMul(ta, tb, transposeA, transposeB).dataSync());
  const contenders: Contender[] = [
    { name: 'halfgrad', run: () => matmul(a, b, { transposeA, transposeB }).dispose() },
    { name: 'tfjs-wasm', run: () => tf.matMul(ta, tb, transposeA, transposeB).dispose() },
  ];
  const timings = measure(contenders);
  for (const tensor of [a, b, ta, tb]) tensor.dispose();
  const gflop = (2 * size ** 3) / 1e6;
  return timings.map(({ name, median, best }) => ({
    ...product,
    peer: name,
    median: gflop / median,
    best: gflop / best,
  }));
}

/** Deterministic values in [−1, 1). */
function matrix(size: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: size * size }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return (state >> 8) / 2 ** 23;
  });
}

/** A benchmark of two different things would be worthless. */
function requireSame(ours: Float32Array, theirs: Float32Array): void {
  const wrong = ours.findIndex((x, i) => !(Math.abs(x - (theirs[i] as number)) < 1e-3));
  if (wrong >= 0) throw new Error(`element ${wrong} is ${ours[wrong]}, with tfjs ${theirs[wrong]}`);
}

function print(rows: readonly Row[]): void {
  console.log(`GFLOP/s on one thread, CPU time, median (best); node ${process.version}, tfjs ${version}`);
  console.log(['size', 'product', 'halfgrad', 'tfjs-wasm', 'ratio'].map((title) => title.padStart(16)).join(''));
  for (let i = 0; i < rows.length; i += 2) {
    const [ours, theirs] = [rows[i] as Row, rows[i + 1] as Row];
    const product = `${ours.transposeA ? 'Aᵀ' : 'A'}·${ours.transposeB ? 'Bᵀ' : 'B'}`;
    const rates = [ours, theirs].map(({ median, best }) => `${median.toFixed(1)} (${best.toFixed(1)})`);
    const cells = [`${ours.size}³`, product, ...rates, (ours.median / theirs.median).toFixed(2)];
    console.log(cells.map((cell) => cell.padStart(16)).join(''));
  }
}
