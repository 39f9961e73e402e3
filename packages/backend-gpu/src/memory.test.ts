import { ones, scope, TensorError, zeros } from '@halfgrad/core';
import { describeDevice } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { openGpu } from './index.ts';

await describeDevice('the memory of the GPU', openGpu, (gpu) => {
  test.each([
    ['float32', 4],
    ['float16', 2],
    ['bfloat16', 2],
    ['int32', 4],
    ['uint8', 1],
    ['bool', 1],
  ] as const)('holds %s in %i bytes', (dtype, bytes) => {
    const before = gpu.memory().byDType[dtype] ?? 0;
    const x = zeros([64, 64], { dtype, device: gpu });
    expect((gpu.memory().byDType[dtype] ?? 0) - before).toBe(64 * 64 * bytes);
    x.dispose();
    expect(gpu.memory().byDType[dtype] ?? 0).toBe(before);
  });

  test('is given back by scope, and shared by reshape', () => {
    const { liveBytes } = gpu.memory();
    const kept = scope(() => ones([8, 8], { device: gpu }).mul(2).exp().reshape([64]));
    expect(gpu.memory().liveBytes - liveBytes).toBe(64 * 4);
    kept.dispose();
    expect(gpu.memory().liveBytes).toBe(liveBytes);
  });

  describe('refuses, and goes on working after', () => {
    test.each([
      ['float64', 'unsupported', () => zeros([2], { dtype: 'float64', device: gpu })],
      ['a cast to float64', 'unsupported', () => zeros([2], { device: gpu }).to('float64')],
      ['a tensor larger than a texture', 'out-of-memory', () => zeros([1], { device: gpu }).expand([2 ** 30])],
    ] as const)('%s', async (_, code, act) => {
      expect(act).toThrowError(TensorError);
      expect(codeOf(act)).toBe(code);
      expect(Array.from(await ones([2], { device: gpu }).add(1).data())).toEqual([2, 2]);
    });
  });
});

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof TensorError ? error.code : String(error);
  }
}
