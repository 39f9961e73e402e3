import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { TensorError, zeros } from '@halfgrad/core';
import { afterEach, describe, expect, test } from 'vitest';
import { createWasmDevice, wasmSupport } from './index.ts';

const host = globalThis as { WebAssembly?: unknown };
const { WebAssembly: own } = host;

afterEach(() => {
  host.WebAssembly = own;
});

function messageOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof TensorError) return `${error.code}: ${error.message}`;
  }
  throw new Error('expected a TensorError');
}

describe('support', () => {
  test('this engine has everything', () => {
    expect(wasmSupport()).toEqual({ isSupported: true, reason: undefined, hasRelaxedSimd: true });
  });

  test('a host without WebAssembly is told what to use instead', () => {
    host.WebAssembly = undefined;
    expect(wasmSupport()).toEqual({
      isSupported: false,
      reason: 'this host has no WebAssembly',
      hasRelaxedSimd: false,
    });
    expect(messageOf(() => zeros([1], { device: createWasmDevice() }))).toMatchInlineSnapshot(
      `"unsupported: wasm: this host has no WebAssembly. Use the device cpu of @halfgrad/backend-cpu instead."`,
    );
  });

  test('a host that may not compile says why', () => {
    // What a content security policy without 'wasm-unsafe-eval' amounts to.
    host.WebAssembly = runInContext('WebAssembly', createContext({}, { codeGeneration: { wasm: false } }));
    expect(messageOf(() => zeros([1], { device: createWasmDevice() }))).toMatchInlineSnapshot(
      `"unsupported: wasm: WebAssembly may not be compiled here (CompileError: WebAssembly.Module(): Wasm code generation disallowed by embedder). Use the device cpu of @halfgrad/backend-cpu instead."`,
    );
    host.WebAssembly = own;
    expect(zeros([1], { device: createWasmDevice() }).item()).toBe(0);
  });

  test('an engine without SIMD is found out', () => {
    const program = `
      import { wasmSupport } from '@halfgrad/backend-wasm';
      console.log(wasmSupport().reason);`;
    const flags = ['--no-enable-sse4-1', '--conditions=@halfgrad/source', '--input-type=module'];
    const output = execFileSync(process.execPath, [...flags, '--eval', program], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
    });
    // Only on x86 can V8 be told to do without.
    if (process.arch === 'x64') expect(output).toMatch(/no WebAssembly SIMD/);
  });
});
