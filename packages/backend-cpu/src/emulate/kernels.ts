import { type Kernels, sizeOf, type TensorSpec } from '@halfgrad/core';
import { allocateFloats, countOf, type Floats, type HostTensor, readFloats, write } from '../host-tensor.ts';
import { collectColumns, createTaps } from '../kernels/im2col.ts';
import { kernels as reference } from '../kernels/index.ts';
import { broadcastStrides, offsetsOf } from '../kernels/layout.ts';
import type { Accumulate } from './accumulate.ts';
import type { Rounder } from './rounding.ts';

type Summing = Pick<Kernels<HostTensor>, 'sum' | 'mean' | 'matmul' | 'linear' | 'convolution'>;

/** The kernels that add, on float32, with every product and every addition rounded by `round`. */
export function reductionKernels(round: Rounder, accumulate: Accumulate): Summing {
  const dot = (a: Floats, aAt: number, aStep: number, b: Floats, bAt: number, bStep: number, count: number): number =>
    accumulate((i) => round(a[aAt + i * aStep]! * b[bAt + i * bStep]!), count, round);

  const reduce = (
    x: HostTensor,
    dims: readonly number[],
    out: TensorSpec,
    finish: (total: number, count: number) => number,
  ): HostTensor => {
    const rows = permuted(x, dims);
    const count = sizeOf(dims.map((dim) => x.shape[dim]!));
    const result = allocateFloats(out.dtype, countOf(out));
    for (let i = 0; i < result.length; i++) {
      result[i] = finish(
        accumulate((k) => rows[i * count + k]!, count, round),
        count,
      );
    }
    return write(result, out);
  };

  const linear = (x: HostTensor, weight: HostTensor, bias: HostTensor | undefined, out: TensorSpec): HostTensor => {
    const [features, depth] = weight.shape as [number, number];
    const [rows, weights] = [readFloats(x, out.dtype), readFloats(weight, out.dtype)];
    const offsets = bias && readFloats(bias, out.dtype);
    const result = allocateFloats(out.dtype, countOf(out));
    for (let i = 0; i < result.length; i++) {
      const feature = i % features;
      const product = dot(rows, Math.floor(i / features) * depth, 1, weights, feature * depth, 1, depth);
      result[i] = offsets ? round(product + offsets[feature]!) : product;
    }
    return write(result, out);
  };

  return {
    sum: ({ x }, { dims }, out) => reduce(x, dims, out, (total) => total),
    mean: ({ x }, { dims }, out) => reduce(x, dims, out, (total, count) => round(total / count)),
    matmul({ a, b }, { transposeA, transposeB }, out) {
      const [m, n] = out.shape.slice(-2) as [number, number];
      const [aColumns, bColumns] = [a.shape.at(-1)!, b.shape.at(-1)!];
      const k = transposeA ? a.shape.at(-2)! : aColumns;
      const batch = out.shape.slice(0, -2);
      const [aStarts, bStarts] = [a, b].map(({ shape }) =>
        offsetsOf(batch, broadcastStrides(shape.slice(0, -2), batch)),
      ) as [Int32Array, Int32Array];
      const [left, right] = [readFloats(a, out.dtype), readFloats(b, out.dtype)];
      const result = allocateFloats(out.dtype, countOf(out));
      for (let i = 0; i < result.length; i++) {
        const [at, row, column] = [Math.floor(i / (m * n)), Math.floor(i / n) % m, i % n];
        const aAt = aStarts[at]! * m * k + (transposeA ? row : row * aColumns);
        const bAt = bStarts[at]! * k * n + (transposeB ? column * bColumns : column);
        result[i] = dot(left, aAt, transposeA ? aColumns : 1, right, bAt, transposeB ? 1 : bColumns, k);
      }
      return write(result, out);
    },
    linear: ({ x, weight, bias }, _, out) => linear(x, weight, bias, out),
    convolution({ x, weight, bias }, attrs, out) {
      const taps = createTaps(x.shape.slice(2), weight.shape.slice(2), out.shape.slice(2), attrs);
      const [channels, outputs] = [weight.shape[1]!, weight.shape[0]! / attrs.groups];
      const depth = channels * taps.kernel;
      const [values, weights] = [readFloats(x, out.dtype), readFloats(weight, out.dtype)];
      const offsets = bias && readFloats(bias, out.dtype);
      const columns = allocateFloats(out.dtype, depth * taps.positions);
      const result = allocateFloats(out.dtype, countOf(out));
      for (let part = 0; part < x.shape[0]! * attrs.groups; part++) {
        collectColumns(columns, taps, channels, values, part * channels * taps.inputs);
        const group = part % attrs.groups;
        for (let i = 0; i < outputs * taps.positions; i++) {
          const [output, position] = [group * outputs + Math.floor(i / taps.positions), i % taps.positions];
          const product = dot(weights, output * depth, 1, columns, position, taps.positions, depth);
          result[part * outputs * taps.positions + i] = offsets ? round(product + offsets[output]!) : product;
        }
      }
      return write(result, out);
    },
  };
}

/** The elements with the dimensions `dims` last, so that what is added lies together. */
function permuted(x: HostTensor, dims: readonly number[]): Floats {
  const kept = x.shape.map((_, dim) => dim).filter((dim) => !dims.includes(dim));
  const order = [...kept, ...dims];
  const shape = order.map((dim) => x.shape[dim]!);
  const permute = reference.permute as Exclude<Kernels<HostTensor>['permute'], 'decomposed'>;
  return readFloats(permute({ x }, { dims: order }, { shape, dtype: x.dtype }), 'float32');
}
