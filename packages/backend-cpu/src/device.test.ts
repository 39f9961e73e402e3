import { fromHost, scope, tensor, update, zeros } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { cpu } from './index.ts';

test('data are copied in and out', async () => {
  const source = Float32Array.of(1, 2, 3);
  const x = fromHost(source, [3], { device: cpu });
  source[0] = 9;
  ((await x.data()) as Float32Array)[1] = 9;
  (x.dataSync() as Float32Array)[2] = 9;
  expect([...x.dataSync()]).toEqual([1, 2, 3]);
});

describe('memory', () => {
  const live = (): number => cpu.memory().liveBytes;

  test('is counted by dtype until it is disposed of', () => {
    const before = cpu.memory();
    const [x, y] = [zeros([10], { device: cpu }), zeros([10], { dtype: 'float16', device: cpu })];
    const during = cpu.memory();
    expect(during.liveBytes - before.liveBytes).toBe(60);
    expect((during.byDType.float16 ?? 0) - (before.byDType.float16 ?? 0)).toBe(20);
    x.dispose();
    y.dispose();
    expect(live()).toBe(before.liveBytes);
    expect(cpu.memory().peakBytes).toBeGreaterThanOrEqual(during.liveBytes);
  });

  test('is counted once when it is shared, and kept until the last holder', () => {
    const before = live();
    const x = zeros([10], { device: cpu });
    const view = x.reshape([2, 5]);
    expect(live() - before).toBe(40);
    x.dispose();
    expect([...view.dataSync()]).toEqual(new Array(10).fill(0));
    view.dispose();
    expect(live()).toBe(before);
  });

  test('does not grow over a loop in a scope', () => {
    const x = tensor([1, 2], { device: cpu });
    const step = (): void => scope(() => update('assign', { target: x, source: x.mul(2).add(1) }));
    step();
    const before = live();
    for (let i = 0; i < 10; i++) step();
    expect(live()).toBe(before);
  });
});
