import { mul, type Storage, sum, tensor, zeros } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { Engine } from './engine.ts';
import { fallbackKernel } from './fallback.ts';
import { createWasmDevice } from './index.ts';
import type { WasmTensor } from './wasm-tensor.ts';

describe('falling back to the reference device', () => {
  test('computes what has no kernel here, and counts it', () => {
    const device = createWasmDevice();
    const x = tensor([1.5, 2.5], { dtype: 'float64', device });
    expect(x.mul(x).toArray()).toEqual([2.25, 6.25]);
    expect(x.mul(x).exp().dtype).toBe('float64');
    expect(tensor([3, 4], { dtype: 'int32', device }).sum().item()).toBe(7);
    expect([...device.fallbacks]).toEqual([
      ['mul', 2],
      ['exp', 1],
      ['sum', 1],
    ]);
  });

  test('counts nothing that has a kernel', () => {
    const device = createWasmDevice();
    const x = tensor([[1, 2]], { dtype: 'bfloat16', device });
    expect(sum(mul(x, 3).matmul(x, { transposeB: true })).item()).toBe(15);
    expect([...device.fallbacks]).toEqual([]);
  });

  test('reads its operands in place, also when the result makes the memory grow', () => {
    const device = createWasmDevice();
    const x = zeros([300_000], { device }).add(0.5);
    const y = x.exp();
    expect(new Set(y.dataSync())).toEqual(new Set([Math.fround(Math.exp(0.5))]));
  });

  test('writes updates through to the memory of the device', () => {
    const device = createWasmDevice();
    const [target, source] = [tensor([1, 2], { dtype: 'float64', device }), tensor([3, 6], { device })];
    device.updates.lerp(
      { target: target.storage as WasmTensor, source: source.storage as WasmTensor },
      { weight: 0.5 },
    );
    expect(target.toArray()).toEqual([2, 4]);
    expect([...device.fallbacks]).toEqual([['lerp', 1]]);
  });

  test('a result that shares the memory of an operand goes on doing so', () => {
    const engine = new Engine({ maximumBytes: 2 ** 20, relaxedSimd: 'detect' });
    const x = engine.memory.create({ shape: [6], dtype: 'float32' });
    const reshape = fallbackKernel(engine, 'reshape');
    if (reshape === 'decomposed') throw new Error('reshape is a kernel');
    const out = { shape: [2, 3], dtype: 'float32' } as const;
    const y = reshape({ x }, { shape: [2, 3] }, out) as Storage;
    expect(y).toEqual({ ...out, block: x.block });
    expect(y.block).toBe(x.block);
  });
});
