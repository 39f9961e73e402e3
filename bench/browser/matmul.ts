import { openGpu } from '@halfgrad/backend-gpu';
import { fromHost, matmul, type Tensor } from '@halfgrad/core';
import '@tensorflow/tfjs-backend-webgl';
import * as tf from '@tensorflow/tfjs-core';

export type Peer = 'halfgrad' | 'tfjs';

declare global {
  interface Window {
    /** Makes the operands and checks that both peers compute the same; says what they run on. */
    prepare(size: number): Promise<{ readonly renderer: string; readonly tfjs: string }>;
    /** Several products in a row, until the last one has been read: WebGL runs them in order. */
    multiply(peer: Peer, repeats: number): Promise<void>;
  }
}

let products: Readonly<Record<Peer, () => Product>>;

window.prepare = async (size) => {
  const gpu = await openGpu();
  if (!(await tf.setBackend('webgl'))) throw new Error('tfjs did not start on WebGL');
  const [left, right] = [matrix(size, 1), matrix(size, 2)];
  const [a, b] = [left, right].map((values) => fromHost(values, [size, size], { device: gpu })) as [Tensor, Tensor];
  const [ta, tb] = [left, right].map((values) => tf.tensor2d(values, [size, size])) as [tf.Tensor2D, tf.Tensor2D];
  products = { halfgrad: () => matmul(a, b), tfjs: () => tf.matMul(ta, tb) };
  await requireSame(products.halfgrad(), products.tfjs());
  return { renderer: gpu.renderer, tfjs: tf.version_core };
};

window.multiply = async (peer, repeats) => {
  for (let i = 1; i < repeats; i++) products[peer]().dispose();
  const last = products[peer]();
  await last.data();
  last.dispose();
};

interface Product {
  data(): Promise<ArrayLike<number>>;
  dispose(): void;
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
