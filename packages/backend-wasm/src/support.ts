import { TensorError } from '@halfgrad/core';
import { ModuleBuilder } from './encoder/module-builder.ts';
import { f32x4, v128 } from './encoder/simd.ts';
import { type WebAssemblyApi, webAssembly } from './encoder/webassembly.ts';

/** What the host offers. */
export interface WasmSupport {
  readonly isSupported: boolean;
  /** Why the device cannot be used here, and what to do about it. */
  readonly reason: string | undefined;
  /** Multiply-add in one instruction, with which matrix products run up to twice as fast. */
  readonly hasRelaxedSimd: boolean;
}

/** Whether this host can run the device, found out by compiling two tiny modules. */
export function wasmSupport(): WasmSupport {
  const api = webAssembly();
  const reason = api ? reasonAgainst(api) : 'this host has no WebAssembly';
  const hasRelaxedSimd = api !== undefined && reason === undefined && api.validate(moduleWith('relaxed'));
  return { isSupported: reason === undefined, reason, hasRelaxedSimd };
}

/** @throws TensorError `unsupported` with the reason and the way out. */
export function requireWasm(): { readonly api: WebAssemblyApi; readonly hasRelaxedSimd: boolean } {
  const { reason, hasRelaxedSimd } = wasmSupport();
  const api = webAssembly();
  if (reason !== undefined || !api) {
    throw new TensorError('unsupported', `wasm: ${reason}. Use the device cpu of @halfgrad/backend-cpu instead.`);
  }
  return { api, hasRelaxedSimd };
}

function reasonAgainst(api: WebAssemblyApi): string | undefined {
  if (!api.validate(moduleWith('simd'))) {
    return 'this engine has no WebAssembly SIMD, which came with Node 16.4, Chrome 91, Firefox 89 and Safari 16.4';
  }
  try {
    new api.Module(moduleWith('simd'));
    return undefined;
  } catch (error) {
    // A content security policy without 'wasm-unsafe-eval' shows up here.
    return `WebAssembly may not be compiled here (${error})`;
  }
}

function moduleWith(feature: 'simd' | 'relaxed'): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder({ maximumPages: 1, shared: false });
  const square = v128.load(0);
  const value = feature === 'simd' ? f32x4.mul(square, square) : f32x4.relaxedMadd(square, square, square);
  module.define('probe', {}, () => [v128.store(0, value)]);
  return module.encode();
}
