import type { Attrs, Inputs, Result, TensorSpec } from '@halfgrad/core';
import { allocateFloats, type Floats, type HostTensor, readFloats, write } from '../host-tensor.ts';
import { meanRow, squaredDeviations, sumRow } from './reduction.ts';
import { fromRows, type Rows, rowsOf } from './rows.ts';

type Specs<K extends 'layerNorm' | 'batchNorm' | 'layerNormGrad' | 'batchNormGrad'> = Result<K, TensorSpec>;

/** The mean and the variance (divided by n) of every row. */
function statisticsOf({ values, count, length }: Rows<Floats>): { mean: Floats; variance: Floats } {
  const dtype = values instanceof Float64Array ? 'float64' : 'float32';
  const mean = allocateFloats(dtype, count);
  const variance = allocateFloats(dtype, count);
  const squares = allocateFloats(dtype, length);
  for (let r = 0; r < count; r++) {
    mean[r] = meanRow(values, r * length, length);
    variance[r] = squaredDeviations(values, r * length, squares) / length;
  }
  return { mean, variance };
}

/** 1 / √(σ² + ε) */
function reciprocalDeviations(variance: Floats, eps: number): Floats {
  return variance.map((v) => 1 / Math.sqrt(v + eps));
}

/** y = (x − μ) · rstd · weight + bias along the last `rank` dimensions. */
export function layerNorm(
  { x, weight, bias }: Inputs<'layerNorm', HostTensor>,
  { rank, eps }: Attrs<'layerNorm'>,
  out: Specs<'layerNorm'>,
): Result<'layerNorm', HostTensor> {
  const rows = rowsOf(readFloats(x, x.dtype), x, lastDims(x, rank));
  const { mean, variance } = statisticsOf(rows);
  const rstd = reciprocalDeviations(variance, eps);
  const scale = weight && readFloats(weight, x.dtype);
  const shift = bias && readFloats(bias, x.dtype);
  const result = allocateFloats(x.dtype, rows.values.length);
  for (let r = 0, i = 0; r < rows.count; r++) {
    for (let j = 0; j < rows.length; j++, i++) {
      const normalized = (rows.values[i]! - mean[r]!) * rstd[r]!;
      result[i] = normalized * (scale ? scale[j]! : 1) + (shift ? shift[j]! : 0);
    }
  }
  return { out: write(result, out.out), mean: write(mean, out.mean), rstd: write(rstd, out.rstd) };
}

export function layerNormGrad(
  { gradOut, x, weight, mean, rstd }: Inputs<'layerNormGrad', HostTensor>,
  { rank }: Attrs<'layerNormGrad'>,
  out: Specs<'layerNormGrad'>,
): Result<'layerNormGrad', HostTensor> {
  const dims = lastDims(x, rank);
  const rows = rowsOf(readFloats(x, x.dtype), x, dims);
  const grads = readFloats(gradOut, x.dtype);
  const { count, length } = rows;
  const normalized = normalize(rows, readFloats(mean, x.dtype), readFloats(rstd, x.dtype));
  const scale = weight && readFloats(weight, x.dtype);
  const scaled = scale ? grads.map((g, i) => g * scale[i % length]!) : grads;
  const products = grads.map((g, i) => g * normalized[i]!);
  const columns = { shape: [count, length], dtype: x.dtype };
  return {
    x: write(inputGrad({ values: scaled, count, length }, normalized, readFloats(rstd, x.dtype)), out.x),
    weight: write(rowSums(rowsOf(products, columns, [0])), out.weight),
    bias: write(rowSums(rowsOf(grads, columns, [0])), out.bias),
  };
}

/** y = (x − μ) · rstd · weight + bias for each channel, with the statistics given or the batch's own. */
export function batchNorm(
  { x, weight, bias, runningMean, runningVar }: Inputs<'batchNorm', HostTensor>,
  { eps }: Attrs<'batchNorm'>,
  out: Specs<'batchNorm'>,
): Result<'batchNorm', HostTensor> {
  const dims = otherDims(x);
  const rows = rowsOf(readFloats(x, x.dtype), x, dims);
  const given = runningMean && runningVar;
  const { mean, variance } = given
    ? { mean: readFloats(runningMean, x.dtype), variance: readFloats(runningVar, x.dtype) }
    : statisticsOf(rows);
  const rstd = reciprocalDeviations(variance, eps);
  const scale = weight && readFloats(weight, x.dtype);
  const shift = bias && readFloats(bias, x.dtype);
  const result = allocateFloats(x.dtype, rows.values.length);
  for (let r = 0, i = 0; r < rows.count; r++) {
    const [mu, factor, w, b] = [mean[r]!, rstd[r]!, scale ? scale[r]! : 1, shift ? shift[r]! : 0];
    for (let j = 0; j < rows.length; j++, i++) result[i] = (rows.values[i]! - mu) * factor * w + b;
  }
  return {
    out: write(fromRows(result, x, dims), out.out),
    mean: given ? runningMean : write(mean, out.mean),
    variance: given ? runningVar : write(variance, out.variance),
  };
}

export function batchNormGrad(
  { gradOut, x, weight, mean, variance }: Inputs<'batchNormGrad', HostTensor>,
  { eps, statistics }: Attrs<'batchNormGrad'>,
  out: Specs<'batchNormGrad'>,
): Result<'batchNormGrad', HostTensor> {
  const dims = otherDims(x);
  const rows = rowsOf(readFloats(x, x.dtype), x, dims);
  const grads = rowsOf(readFloats(gradOut, x.dtype), x, dims);
  const { count, length } = rows;
  const rstd = reciprocalDeviations(readFloats(variance, x.dtype), eps);
  const normalized = normalize(rows, readFloats(mean, x.dtype), rstd);
  const products = grads.values.map((g, i) => g * normalized[i]!);
  const scale = weight && readFloats(weight, x.dtype);
  const factors = scale ? rstd.map((r, i) => r * scale[i]!) : rstd;
  const dx =
    statistics === 'batch'
      ? inputGrad(grads, normalized, factors)
      : grads.values.map((g, i) => g * factors[Math.floor(i / length)]!);
  return {
    x: write(fromRows(dx, x, dims), out.x),
    weight: write(rowSums({ values: products, count, length }), out.weight),
    bias: write(rowSums(grads), out.bias),
  };
}

/** x̂ = (x − μ) · rstd, row by row. */
function normalize({ values, count, length }: Rows<Floats>, mean: Floats, rstd: Floats): Floats {
  const result = values.slice();
  for (let r = 0, i = 0; r < count; r++) {
    for (let j = 0; j < length; j++, i++) result[i] = (values[i]! - mean[r]!) * rstd[r]!;
  }
  return result;
}

/** ∂x = factor · (g − mean(g) − x̂ · mean(g · x̂)), row by row. */
function inputGrad({ values: g, count, length }: Rows<Floats>, normalized: Floats, factors: Floats): Floats {
  const result = g.slice();
  for (let r = 0; r < count; r++) {
    const [start, end] = [r * length, (r + 1) * length];
    for (let i = start; i < end; i++) result[i] = g[i]! * normalized[i]!;
    const projection = meanRow(result, start, length);
    const mean = meanRow(g, start, length);
    for (let i = start; i < end; i++) result[i] = factors[r]! * (g[i]! - mean - normalized[i]! * projection);
  }
  return result;
}

function rowSums({ values, count, length }: Rows<Floats>): Floats {
  const sums = allocateFloats(values instanceof Float64Array ? 'float64' : 'float32', count);
  for (let r = 0; r < count; r++) sums[r] = sumRow(values, r * length, length);
  return sums;
}

function lastDims({ shape }: TensorSpec, rank: number): number[] {
  return shape.map((_, dim) => dim).slice(shape.length - rank);
}

/** All dimensions but the channels'. */
function otherDims({ shape }: TensorSpec): number[] {
  return shape.map((_, dim) => dim).filter((dim) => dim !== 1);
}
