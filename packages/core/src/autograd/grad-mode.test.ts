import { cpu } from '@halfgrad/backend-cpu';
import { beforeEach, expect, test } from 'vitest';
import { enableGrad, isGradEnabled, mul, noGrad, setDefaultDevice, tensor } from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

test('noGrad records nothing', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const y = noGrad(() => mul(x, 2));
  expect([y.requiresGrad, y.isLeaf]).toEqual([false, true]);
  expect(mul(x, 2).requiresGrad).toBe(true);
});

test('enableGrad records inside noGrad', () => {
  const x = tensor(3, { requiresGrad: true });
  noGrad(() => {
    expect(isGradEnabled()).toBe(false);
    enableGrad(() => {
      expect(isGradEnabled()).toBe(true);
      mul(x, x).backward();
    });
  });
  expect(x.grad?.item()).toBe(6);
});

test('modes end when their body throws', () => {
  expect(() =>
    noGrad(() => {
      throw new Error('stop');
    }),
  ).toThrow('stop');
  expect(isGradEnabled()).toBe(true);
});

test('detach leaves the graph but shares memory', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const y = mul(x, 2);
  const detached = y.detach();
  expect([detached.requiresGrad, detached.isLeaf]).toEqual([false, true]);
  expect(detached.storage.block).toBe(y.storage.block);
  mul(y, detached).sum().backward();
  expect(x.grad?.toArray()).toEqual([4, 8]);
});

test('only floats may require a gradient', () => {
  expect(() => tensor([1, 2], { dtype: 'int32', requiresGrad: true })).toThrowErrorMatchingInlineSnapshot(
    `[TensorError: requiresGrad: only floating-point tensors have gradients (x: int32[2]). Use x.to('float32').]`,
  );
});

test('results of ops cannot stop requiring a gradient', () => {
  const y = tensor(1, { requiresGrad: true }).mul(2);
  expect(() => {
    y.requiresGrad = false;
  }).toThrowErrorMatchingInlineSnapshot(
    `[TensorError: requiresGrad: cannot be switched off for the result of an op (x: float32[]). Use x.detach().]`,
  );
});

test('comparisons and integers carry no gradient', () => {
  const x = tensor([1, -2], { requiresGrad: true });
  expect(x.greater(0).requiresGrad).toBe(false);
  expect(x.argmax(0).requiresGrad).toBe(false);
  expect(x.to('int32').requiresGrad).toBe(false);
  expect(x.to('float16').requiresGrad).toBe(true);
});
