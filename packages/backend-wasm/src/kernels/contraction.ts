import { sizeOf, type TensorSpec } from '@halfgrad/core';
import { planBroadcast } from '../broadcast.ts';
import type { Engine } from '../engine.ts';
import { multiply } from '../gemm/multiply.ts';
import { formats, isKernelDType } from '../generate/formats.ts';
import type { FastKernels } from './fast-kernel.ts';

/** Matrix products; those with an empty dimension are left to the reference. */
export function contractionKernels(engine: Engine): FastKernels {
  return {
    matmul({ a, b }, { transposeA, transposeB }, out) {
      const { dtype } = out;
      const [rows, columns] = a.shape.slice(-2) as [number, number];
      const [k, m] = transposeA ? [rows, columns] : [columns, rows];
      const n = out.shape.at(-1) as number;
      if (!isKernelDType(dtype) || k === 0 || sizeOf(out.shape) === 0) return undefined;
      const { bytes } = formats[dtype];
      return engine.memory.compute(out, (result) => {
        for (const batch of batches(a, b, out, transposeA, { m, n, k })) {
          multiply(engine, {
            dtype,
            transposeA,
            transposeB,
            m: batch.m,
            n,
            k,
            a: a.block.pointer + batch.a * bytes,
            b: b.block.pointer + batch.b * bytes,
            c: result.block.pointer + batch.c * bytes,
            bias: 0,
          });
        }
      });
    },
    linear({ x, weight, bias }, _, out) {
      const { dtype } = out;
      const [n, k] = weight.shape as [number, number];
      if (!isKernelDType(dtype) || k === 0 || sizeOf(out.shape) === 0) return undefined;
      return engine.memory.compute(out, (result) =>
        multiply(engine, {
          dtype,
          transposeA: false,
          transposeB: true,
          m: sizeOf(out.shape) / n,
          n,
          k,
          a: x.block.pointer,
          b: weight.block.pointer,
          c: result.block.pointer,
          bias: bias ? bias.block.pointer : 0,
        }),
      );
    },
  };
}

/** Where one matrix product of a batch starts, in elements, and how many rows it has. */
interface Batch {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly m: number;
}

function batches(
  a: TensorSpec,
  b: TensorSpec,
  out: TensorSpec,
  transposeA: boolean,
  { m, n, k }: { readonly m: number; readonly n: number; readonly k: number },
): Batch[] {
  const shape = out.shape.slice(0, -2);
  const [aBatch, bBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const count = sizeOf(shape);
  // Matrices that all meet the same B are one matrix with more rows.
  if (sizeOf(bBatch) === 1 && !transposeA) return [{ a: 0, b: 0, c: 0, m: m * count }];
  return matricesOf(shape, aBatch, bBatch).map(([i, j], at) => ({ a: i * m * k, b: j * k * n, c: at * m * n, m }));
}

/** For every matrix of a batch, the positions of its operands in theirs. */
function matricesOf(
  shape: readonly number[],
  aShape: readonly number[],
  bShape: readonly number[],
): (readonly [number, number])[] {
  const { columns, columnStrides, rows, rowStrides, starts } = planBroadcast(shape, aShape, bShape);
  return starts.flatMap(([a, b]) =>
    Array.from({ length: rows * columns }, (_, i): readonly [number, number] => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      return [a + row * rowStrides[0] + column * columnStrides[0], b + row * rowStrides[1] + column * columnStrides[1]];
    }),
  );
}
