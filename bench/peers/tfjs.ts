import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The part of tfjs that benchmarks call. Its ESM build cannot be imported from Node, so it is required. */
interface Tfjs {
  tensor2d(values: Float32Array, shape: readonly [number, number]): TfjsTensor;
  matMul(a: TfjsTensor, b: TfjsTensor, transposeA?: boolean, transposeB?: boolean): TfjsTensor;
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
}

interface TfjsTensor {
  dataSync(): Float32Array;
  dispose(): void;
}

/** tfjs on its WebAssembly backend, single-threaded as it always is in Node. */
export async function loadTfjsWasm(): Promise<{ readonly tf: Tfjs; readonly version: string }> {
  const require = createRequire(import.meta.url);
  const tf = require('@tensorflow/tfjs-core') as Tfjs & { readonly version_core: string };
  const backend = require('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(path: string): void };
  backend.setWasmPaths(`${join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'wasm-out')}/`);
  if (!(await tf.setBackend('wasm')) || tf.getBackend() !== 'wasm') throw new Error('tfjs did not start on wasm');
  return { tf, version: tf.version_core };
}
