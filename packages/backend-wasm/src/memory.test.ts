import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Tensor, TensorError, zeros } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { createWasmDevice } from './index.ts';

const mebibyte = 2 ** 20;

function errorOf(body: () => unknown): TensorError {
  try {
    body();
  } catch (error) {
    if (error instanceof TensorError) return error;
  }
  throw new Error('expected a TensorError');
}

describe('memory', () => {
  test('a device that was never used holds nothing', () => {
    expect(createWasmDevice().memory()).toEqual({ liveBytes: 0, peakBytes: 0, byDType: {} });
  });

  test('counts live bytes by dtype, and the peak', () => {
    const device = createWasmDevice();
    const half = zeros([10], { dtype: 'float16', device });
    const wide = zeros([10], { device });
    const view = wide.reshape([2, 5]);
    expect(device.memory()).toEqual({ liveBytes: 60, peakBytes: 60, byDType: { float16: 20, float32: 40 } });
    wide.dispose();
    expect(device.memory().liveBytes).toBe(60);
    view.dispose();
    expect(device.memory()).toEqual({ liveBytes: 20, peakBytes: 60, byDType: { float16: 20 } });
    half.dispose();
    expect(device.memory().liveBytes).toBe(0);
  });

  test('tensors keep their values while the memory grows under them', () => {
    const device = createWasmDevice();
    const tensors: Tensor[] = [];
    for (let i = 0; i < 40; i++) tensors.push(zeros([50_000], { device }).add(i));
    expect(tensors.map((tensor) => [...new Set(tensor.dataSync())])).toEqual(tensors.map((_, i) => [i]));
  });

  test('running out is an error that says who holds what, and the device goes on working', () => {
    const device = createWasmDevice({ maximumBytes: 4 * mebibyte });
    const held = [zeros([mebibyte / 4], { device }), zeros([mebibyte / 2], { dtype: 'float16', device })];
    const error = errorOf(() => zeros([mebibyte], { device }));
    expect(error.code).toBe('out-of-memory');
    expect(error.message).toMatchInlineSnapshot(
      `"wasm: no room for float32[1048576], 4.0 MiB more, within 4.0 MiB; live are 2.0 MiB (float32: 1.0 MiB, float16: 1.0 MiB). Run each step in scope(), dispose of tensors that are not needed, or use a smaller batch."`,
    );
    // Nothing was lost: what is there still computes, and what is given back can be had again.
    expect(held[0]!.add(1).dataSync()[5]).toBe(1);
    for (const tensor of held) tensor.dispose();
    const { liveBytes } = device.memory();
    for (let i = 0; i < 100; i++) zeros([mebibyte / 4], { device }).dispose();
    expect(device.memory().liveBytes).toBe(liveBytes);
  });

  test('another device is not touched by that', () => {
    const full = createWasmDevice({ maximumBytes: mebibyte });
    const other = createWasmDevice();
    expect(errorOf(() => zeros([mebibyte], { device: full })).code).toBe('out-of-memory');
    expect(zeros([mebibyte], { device: other }).add(2).dataSync()[7]).toBe(2);
  });

  test('a kernel that finds no room for its workspace leaves nothing behind', () => {
    const device = createWasmDevice({ maximumBytes: 2 * mebibyte });
    const [a, b] = [zeros([256, 256], { device }), zeros([256, 256], { device })];
    const filler = zeros([200_000], { device });
    const before = device.memory().liveBytes;
    expect(errorOf(() => a.matmul(b)).code).toBe('out-of-memory');
    expect(device.memory().liveBytes).toBe(before);
    filler.dispose();
    expect(a.matmul(b).dataSync()[3]).toBe(0);
  });

  test('blocks that are collected without having been freed come back', () => {
    // In a process of its own, where nothing delays the engine's finalizers.
    const program = `
      import { zeros } from '@halfgrad/core';
      import { createWasmDevice } from '@halfgrad/backend-wasm';
      const device = createWasmDevice();
      const survivor = zeros([10], { device });
      (() => { for (let i = 0; i < 100; i++) zeros([1000], { device }); })();
      const before = device.memory().liveBytes;
      for (let tries = 0; tries < 500 && device.memory().liveBytes > survivor.bytes; tries++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      console.log(JSON.stringify([before, device.memory().liveBytes]));`;
    const flags = ['--expose-gc', '--conditions=@halfgrad/source', '--input-type=module'];
    const output = execFileSync(process.execPath, [...flags, '--eval', program], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      encoding: 'utf8',
    });
    expect(JSON.parse(output)).toEqual([400_040, 40]);
  });
});
