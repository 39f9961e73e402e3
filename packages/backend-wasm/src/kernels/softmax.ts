import { sizeOf, type TensorSpec } from '@halfgrad/core';
import type { Engine } from '../engine.ts';
import { isKernelDType } from '../generate/formats.ts';
import { defineSoftmax, defineSoftmaxGrad } from '../generate/softmax.ts';
import type { WasmTensor } from '../wasm-tensor.ts';
import type { FastKernels } from './fast-kernel.ts';

/** Softmax, its logarithm and their derivatives along the last dimension. */
export function softmaxKernels(engine: Engine): FastKernels {
  return {
    softmax: ({ x }, { dim }, out) => softmax(engine, 'softmax', x, dim, out),
    logSoftmax: ({ x }, { dim }, out) => softmax(engine, 'logSoftmax', x, dim, out),
    softmaxGrad: ({ gradOut, out: y }, { dim }, out) => softmaxGrad(engine, 'softmaxGrad', gradOut, y, dim, out),
    logSoftmaxGrad: ({ gradOut, out: y }, { dim }, out) => softmaxGrad(engine, 'logSoftmaxGrad', gradOut, y, dim, out),
  };
}

function softmax(
  engine: Engine,
  kind: 'softmax' | 'logSoftmax',
  x: WasmTensor,
  dim: number,
  out: TensorSpec,
): WasmTensor | undefined {
  const rows = lastDimRows(out.shape, dim);
  if (!isKernelDType(x.dtype) || !isKernelDType(out.dtype) || !rows) return undefined;
  const dtypes = { x: x.dtype, out: out.dtype };
  const { run } = engine.compiled(`${kind} ${dtypes.x} ${dtypes.out}`, (module) => ({
    run: defineSoftmax(module, kind, dtypes),
  }));
  return engine.memory.compute(out, (result) => {
    engine.memory.lend(4 * rows.length, (workspace) => {
      run(x.block.pointer, result.block.pointer, rows.count, rows.length, workspace);
    });
  });
}

function softmaxGrad(
  engine: Engine,
  kind: 'softmaxGrad' | 'logSoftmaxGrad',
  gradOut: WasmTensor,
  y: WasmTensor,
  dim: number,
  out: TensorSpec,
): WasmTensor | undefined {
  const rows = lastDimRows(out.shape, dim);
  if (!isKernelDType(gradOut.dtype) || !isKernelDType(y.dtype) || !isKernelDType(out.dtype) || !rows) return undefined;
  const dtypes = { gradOut: gradOut.dtype, y: y.dtype, out: out.dtype };
  const { run } = engine.compiled(`${kind} ${Object.values(dtypes).join(' ')}`, (module) => ({
    run: defineSoftmaxGrad(module, kind, dtypes),
  }));
  return engine.memory.compute(out, (result) => {
    engine.memory.lend(4 * rows.length, (workspace) => {
      run(gradOut.block.pointer, y.block.pointer, result.block.pointer, rows.count, rows.length, workspace);
    });
  });
}

interface Rows {
  readonly count: number;
  readonly length: number;
}

/** The rows along `dim`, if they lie one after the other in memory and are not empty. */
function lastDimRows(shape: readonly number[], dim: number): Rows | undefined {
  const length = shape[dim] ?? 1;
  const count = sizeOf(shape) / length;
  return sizeOf(shape.slice(dim + 1)) === 1 && length > 0 && count > 0 ? { count, length } : undefined;
}
