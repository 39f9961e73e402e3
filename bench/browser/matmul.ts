import { openGpu } from '@halfgrad/backend-gpu';
import { fromHost, matmul, type Tensor } from '@halfgrad/core';
import '@tensorflow/tfjs-backend-webgl';
import * as tf from '@tensorflow/tfjs-core';

/** Milliseconds per product, one number per round. */
export interface Comparison {
  readonly size: number;
  readonly halfgrad: readonly number[];
  readonly tfjs: readonly number[];
}

export interface Report {
  readonly renderer: string;
  readonly tfjs: string;
  readonly comparisons: readonly Comparison[];
}

declare global {
  interface Window {
    compare(sizes: readonly number[], rounds: number): Promise<Report>;
  }
}

window.compare = async (sizes, rounds) => {
  const gpu = await openGpu();
  if (!(await tf.setBackend('webgl'))) throw new Error('tfjs did not start on WebGL');
  const comparisons: Comparison[] = [];
  for (const size of sizes) {
    const [left, right] = [matrix(size, 1), matrix(size, 2)];
    const [a, b] = [left, right].map((values) => fromHost(values, [size, size], { device: gpu })) as [Tensor, Tensor];
    const [ta, tb] = [left, right].map((values) => tf.tensor2d(values, [size, size])) as [tf.Tensor2D, tf.Tensor2D];
    const ours = (): Product => matmul(a, b);
    const theirs = (): Product => tf.matMul(ta, tb);
    await requireSame(ours(), theirs());
    const times: { halfgrad: number[]; tfjs: number[] } = { halfgrad: [], tfjs: [] };
    // Side by side, so that whatever slows the machine down for a while slows both.
    for (let round = 0; round < rounds; round++) {
      times.halfgrad.push(await timeOf(ours, size));
      times.tfjs.push(await timeOf(theirs, size));
    }
    comparisons.push({ size, ...times });
    for (const tensor of [a, b, ta, tb]) tensor.dispose();
  }
  return { renderer: gpu.renderer, tfjs: tf.version_core, comparisons };
};

interface Product {
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
}

/** Several products in a row, until the last one has been read: WebGL runs them in order. */
async function timeOf(multiply: () => Product, size: number): Promise<number> {
  const repeats = Math.max(Math.round((1024 / size) ** 2), 2);
  const start = performance.now();
  for (let i = 1; i < repeats; i++) multiply().dispose();
  const last = multiply();
  await last.data();
  last.dispose();
  return (performance.now() - start) / repeats;
}

/** Deterministic values in [−1, 1). */
function matrix(size: number, seed: number): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: size * size }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return (state >> 8) / 2 ** 23;
  });
}

/** A benchmark of two different things would be worthless. */
async function requireSame(ours: Product, theirs: Product): Promise<void> {
  const [actual, expected] = [await ours.data(), await theirs.data()];
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i]! - expected[i]!) < 1e-3)) throw new Error(`element ${i}: ${actual[i]} and ${expected[i]}`);
  }
  ours.dispose();
  theirs.dispose();
}
