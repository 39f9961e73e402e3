import { sizeOf, type TensorSpec } from '@halfgrad/core';
import { expect, test } from 'vitest';
import { Engine } from './engine.ts';
import { contractionKernels } from './kernels/contraction.ts';
import { elementwiseKernels } from './kernels/elementwise.ts';
import { reductionKernels } from './kernels/reduction.ts';
import { softmaxKernels } from './kernels/softmax.ts';
import type { WasmTensor } from './wasm-tensor.ts';

const float = (shape: readonly number[]): TensorSpec => ({ shape, dtype: 'float32' });

/** Untouched pages cost no memory, so the space below can be taken without having it. */
test('kernels compute beyond 2 GiB, where addresses no longer fit into a signed integer', () => {
  const engine = new Engine({ maximumBytes: 2 ** 32, relaxedSimd: 'detect' });
  engine.memory.create(float([2 ** 29]));
  engine.memory.create(float([2 ** 27]));
  const kernels = {
    ...elementwiseKernels(engine),
    ...contractionKernels(engine),
    ...reductionKernels(engine),
    ...softmaxKernels(engine),
  };
  const filled = (shape: readonly number[], value: number): WasmTensor => {
    const created = engine.memory.create(float(shape));
    expect(created.block.pointer).toBeGreaterThan(2 ** 31);
    engine.memory.elements(created).fill(value);
    return created;
  };
  const valuesOf = (x: WasmTensor | undefined): number[] => [...new Set(engine.memory.elements(x!))];
  const [a, b] = [filled([30, 20], 2), filled([20, 30], 3)];
  const noTranspose = { transposeA: false, transposeB: false };
  expect(valuesOf(kernels.add!({ a, b: filled([20], 3) }, undefined, float([30, 20])))).toEqual([5]);
  expect(valuesOf(kernels.matmul!({ a, b }, noTranspose, float([30, 30])))).toEqual([120]);
  expect(valuesOf(kernels.sum!({ x: a }, { dims: [0], keepDim: false, dtype: undefined }, float([20])))).toEqual([60]);
  expect(valuesOf(kernels.mean!({ x: a }, { dims: [0, 1], keepDim: false }, float([])))).toEqual([2]);
  const softmax = kernels.softmax!({ x: filled([8, 4], 1) }, { dim: 1, dtype: undefined }, float([8, 4]));
  expect(valuesOf(softmax)).toEqual([0.25]);
  expect(sizeOf(softmax!.shape)).toBe(32);
});
