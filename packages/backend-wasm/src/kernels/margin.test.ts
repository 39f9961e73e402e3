import {
  type AnyKernel,
  type Args,
  infer,
  mapLeaves,
  type OpName,
  sizeOf,
  type TensorSpec,
  type Tree,
} from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createWasmDevice, type WasmTensor } from '../index.ts';

const float = (shape: readonly number[]): TensorSpec => ({ shape, dtype: 'float32' });

/** 64 floats fill a block of the smallest size exactly. */
const shapes = fc.constantFrom([64, 1], [1, 64], [8, 8], [4, 16], [21, 3], [9, 7]) as fc.Arbitrary<[number, number]>;

/** Runs an op on ones whose result gets the block in front of one that is in use, and looks at that one afterwards. */
function expectNeighbourUntouched<K extends OpName>(op: K, ...[specs, attrs]: Args<K, TensorSpec>): void {
  const device = createWasmDevice();
  const upload = (spec: TensorSpec, value: number): WasmTensor =>
    device.upload(new Float32Array(sizeOf(spec.shape)).fill(value), spec);
  const inputs = mapLeaves(specs as Tree<TensorSpec>, (spec) => upload(spec, 1));
  const [front, neighbour] = [upload(float([64]), 0), upload(float([64]), 7)];
  device.free(front);
  const out = (infer[op] as (inputs: unknown, attrs: unknown) => TensorSpec)(specs, attrs);
  const result = (device.kernels[op] as unknown as AnyKernel<WasmTensor>)(inputs, attrs, out) as WasmTensor;
  expect(result.block.pointer).toBe(front.block.pointer);
  expect(neighbour.block.pointer).toBe(front.block.pointer + 256 + 64);
  expect(new Set(device.downloadSync?.(neighbour))).toEqual(new Set([7]));
}

describe('a kernel writes no further than the margin of its block', () => {
  test('elementwise, with whole tensors, rows and columns', () => {
    fc.assert(
      fc.property(shapes, fc.boolean(), fc.boolean(), ([rows, columns], ofRow, ofColumn) => {
        const b = float([ofRow ? 1 : rows, ofColumn ? 1 : columns]);
        expectNeighbourUntouched('add', { a: float([rows, columns]), b });
      }),
    );
  });

  test('softmax', () => {
    fc.assert(
      fc.property(shapes, (shape) =>
        expectNeighbourUntouched('softmax', { x: float(shape) }, { dim: 1, dtype: undefined }),
      ),
    );
  });

  test('sums of rows and of columns', () => {
    const attrs = { keepDim: false, dtype: undefined };
    expectNeighbourUntouched('sum', { x: float([64, 3]) }, { dims: [1], ...attrs });
    expectNeighbourUntouched('sum', { x: float([3, 64]) }, { dims: [0], ...attrs });
  });

  test('matmul', () => {
    fc.assert(
      fc.property(shapes, ([m, n]) => {
        const inputs = { a: float([m, 5]), b: float([5, n]) };
        expectNeighbourUntouched('matmul', inputs, { transposeA: false, transposeB: false });
      }),
    );
  });
});
