import { sizeOf, type TensorSpec } from '@halfgrad/core';
import type { Engine } from '../engine.ts';
import { formats, isKernelDType, type KernelDType } from '../generate/formats.ts';
import { defineReduceColumns, defineReduceRows } from '../generate/reductions.ts';
import type { WasmTensor } from '../wasm-tensor.ts';
import type { FastKernels } from './fast-kernel.ts';

/** Sums and means over neighbouring dimensions, in the order of additions that the reference device defines. */
export function reductionKernels(engine: Engine): FastKernels {
  return {
    sum: ({ x }, { dims }, out) => reduce(engine, x, dims, out, 'sum'),
    mean: ({ x }, { dims }, out) => reduce(engine, x, dims, out, 'mean'),
  };
}

function reduce(
  engine: Engine,
  x: WasmTensor,
  dims: readonly number[],
  out: TensorSpec,
  kind: 'sum' | 'mean',
): WasmTensor | undefined {
  const layout = reductionLayout(x.shape, dims);
  if (!isKernelDType(x.dtype) || !isKernelDType(out.dtype) || !layout || sizeOf(x.shape) === 0) return undefined;
  const dtypes = { x: x.dtype, out: out.dtype };
  const divisor = kind === 'mean' ? layout.count : 1;
  const run = layout.inner === 1 ? reduceRows : reduceColumns;
  return engine.memory.compute(out, (result) =>
    run(engine, dtypes, x.block.pointer, result.block.pointer, layout, divisor),
  );
}

/** A tensor as `outer` matrices of `count` × `inner` elements whose columns are to be reduced. */
interface ReductionLayout {
  readonly outer: number;
  readonly count: number;
  readonly inner: number;
}

/** `undefined` when a dimension to keep lies between those to reduce. */
function reductionLayout(shape: readonly number[], dims: readonly number[]): ReductionLayout | undefined {
  const reduced = dims.filter((dim) => shape[dim] !== 1);
  const first = reduced[0] ?? shape.length;
  const last = reduced.at(-1) ?? shape.length;
  const between = shape.some((size, dim) => size !== 1 && dim > first && dim < last && !reduced.includes(dim));
  if (between) return undefined;
  return {
    outer: sizeOf(shape.slice(0, first)),
    count: sizeOf(shape.slice(first, last + 1)),
    inner: sizeOf(shape.slice(last + 1)),
  };
}

interface ReductionDTypes {
  readonly x: KernelDType;
  readonly out: KernelDType;
}

function reduceRows(
  engine: Engine,
  dtypes: ReductionDTypes,
  x: number,
  out: number,
  { outer, count }: ReductionLayout,
  divisor: number,
): void {
  const { run } = engine.compiled(`reduce rows ${dtypes.x} ${dtypes.out}`, (module) => ({
    run: defineReduceRows(module, dtypes),
  }));
  run(x, out, outer, count, divisor);
}

/** Column sums of halves of 2^31 elements, down to 128, are 24 times 32 bytes. */
const workspaceBytes = 1024;

function reduceColumns(
  engine: Engine,
  dtypes: ReductionDTypes,
  x: number,
  out: number,
  { outer, count, inner }: ReductionLayout,
  divisor: number,
): void {
  const { run } = engine.compiled(`reduce columns ${dtypes.x} ${dtypes.out}`, (module) => ({
    run: defineReduceColumns(module, dtypes),
  }));
  const [xBytes, outBytes] = [formats[dtypes.x].bytes, formats[dtypes.out].bytes];
  engine.memory.lend(workspaceBytes, (workspace) => {
    for (let i = 0; i < outer; i++) {
      run(x + i * count * inner * xBytes, out + i * inner * outBytes, count, inner, divisor, workspace);
    }
  });
}
