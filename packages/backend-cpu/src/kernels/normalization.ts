import type { Attrs, Inputs, Result, TensorSpec } from '@halfgrad/core';
import { allocateFloats, type Floats, type HostTensor, readFloats, write } from '../host-tensor.ts';
import { meanRow, squaredDeviations, sumRow } from './reduction.ts';
import { fromRows, type Rows, rowsOf } from './rows.ts';

/** y = (x − μ) · rstd · weight + bias along the last `rank` dimensions. */
export function layerNorm(
  { x, weight, bias }: Inputs<'layerNorm', HostTensor>,
  { rank, eps }: Attrs<'layerNorm'>,
  out: Result<'layerNorm', TensorSpec>,
): Result<'layerNorm', HostTensor> {
  const rows = rowsOf(readFloats(x, x.dtype), x, lastDims(x, rank));
  const { mean, variance } = statisticsOf(rows);
  const rstd = reciprocalDeviations(variance, eps);
  const result = standardize(rows, mean, rstd, perPosition(rows, x, weight, bias));
  return { out: write(result, out.out), mean: write(mean, out.mean), rstd: write(rstd, out.rstd) };
}

export function layerNormGrad(
  { gradOut, x, weight, mean, rstd }: Inputs<'layerNormGrad', HostTensor>,
  { rank }: Attrs<'layerNormGrad'>,
  out: Result<'layerNormGrad', TensorSpec>,
): Result<'layerNormGrad', HostTensor> {
  const dims = lastDims(x, rank);
  const rows = rowsOf(readFloats(x, x.dtype), x, dims);
  const grads = rowsOf(readFloats(gradOut, x.dtype), x, dims);
  const factors = readFloats(rstd, x.dtype);
  const normalized = standardize(rows, readFloats(mean, x.dtype), factors, perPosition(rows, x));
  const scaled = weight ? scale(grads, perPosition(rows, x, weight)) : grads;
  return {
    x: write(inputGrad(scaled, normalized, factors), out.x),
    weight: write(columnSums(multiply(grads, normalized)), out.weight),
    bias: write(columnSums(grads), out.bias),
  };
}

/** y = (x − μ) · rstd · weight + bias for each channel, with the statistics given or the batch's own. */
export function batchNorm(
  { x, weight, bias, runningMean, runningVar }: Inputs<'batchNorm', HostTensor>,
  { eps }: Attrs<'batchNorm'>,
  out: Result<'batchNorm', TensorSpec>,
): Result<'batchNorm', HostTensor> {
  const dims = otherDims(x);
  const rows = rowsOf(readFloats(x, x.dtype), x, dims);
  const given = runningMean && runningVar;
  const { mean, variance } = given
    ? { mean: readFloats(runningMean, x.dtype), variance: readFloats(runningVar, x.dtype) }
    : statisticsOf(rows);
  const result = standardize(rows, mean, reciprocalDeviations(variance, eps), perRow(rows, x, weight, bias));
  return {
    out: write(fromRows(result, x, dims), out.out),
    mean: given ? runningMean : write(mean, out.mean),
    variance: given ? runningVar : write(variance, out.variance),
  };
}

export function batchNormGrad(
  { gradOut, x, weight, mean, variance }: Inputs<'batchNormGrad', HostTensor>,
  { eps, statistics }: Attrs<'batchNormGrad'>,
  out: Result<'batchNormGrad', TensorSpec>,
): Result<'batchNormGrad', HostTensor> {
  const dims = otherDims(x);
  const rows = rowsOf(readFloats(x, x.dtype), x, dims);
  const grads = rowsOf(readFloats(gradOut, x.dtype), x, dims);
  const rstd = reciprocalDeviations(readFloats(variance, x.dtype), eps);
  const normalized = standardize(rows, readFloats(mean, x.dtype), rstd, perRow(rows, x));
  const scaled = weight ? scale(grads, perRow(rows, x, weight)) : grads;
  const dx =
    statistics === 'batch'
      ? inputGrad(scaled, normalized, rstd)
      : scale(scaled, { ...perRow(rows, x), weight: rstd }).values;
  return {
    x: write(fromRows(dx, x, dims), out.x),
    weight: write(rowSums(multiply(grads, normalized)), out.weight),
    bias: write(rowSums(grads), out.bias),
  };
}

function lastDims({ shape }: TensorSpec, rank: number): number[] {
  return shape.map((_, dim) => dim).slice(shape.length - rank);
}

/** All dimensions but the channels'. */
function otherDims({ shape }: TensorSpec): number[] {
  return shape.map((_, dim) => dim).filter((dim) => dim !== 1);
}

type FloatRows = Rows<Floats>;

function zerosLike(values: Floats, length: number = values.length): Floats {
  return values instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
}

/** The mean and the variance (divided by n) of every row. */
function statisticsOf({ values, count, length }: FloatRows): { mean: Floats; variance: Floats } {
  const mean = zerosLike(values, count);
  const variance = zerosLike(values, count);
  const squares = zerosLike(values, length);
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

/** Weights and biases; those of element `j` of row `r` are at `r · rowStep + j · positionStep`. */
interface Affine {
  readonly weight: Floats;
  readonly bias: Floats;
  readonly rowStep: number;
  readonly positionStep: number;
}

/** A weight and a bias for each row; 1 and 0 where none are given. */
function perRow({ count }: FloatRows, x: TensorSpec, weight?: HostTensor, bias?: HostTensor): Affine {
  return { weight: orElse(weight, 1, count, x), bias: orElse(bias, 0, count, x), rowStep: 1, positionStep: 0 };
}

/** A weight and a bias for each position within the rows; 1 and 0 where none are given. */
function perPosition({ length }: FloatRows, x: TensorSpec, weight?: HostTensor, bias?: HostTensor): Affine {
  return { weight: orElse(weight, 1, length, x), bias: orElse(bias, 0, length, x), rowStep: 0, positionStep: 1 };
}

function orElse(given: HostTensor | undefined, value: number, length: number, { dtype }: TensorSpec): Floats {
  return given ? readFloats(given, dtype) : allocateFloats(dtype, length).fill(value);
}

/** (x − μ) · rstd · weight + bias */
function standardize({ values, count, length }: FloatRows, mean: Floats, rstd: Floats, affine: Affine): Floats {
  const { weight, bias, rowStep, positionStep } = affine;
  const result = zerosLike(values);
  for (let r = 0, i = 0; r < count; r++) {
    const mu = mean[r]!;
    const factor = rstd[r]!;
    let at = r * rowStep;
    for (let j = 0; j < length; j++, i++, at += positionStep) {
      result[i] = (values[i]! - mu) * factor * weight[at]! + bias[at]!;
    }
  }
  return result;
}

function scale({ values, count, length }: FloatRows, { weight, rowStep, positionStep }: Affine): FloatRows {
  const result = zerosLike(values);
  for (let r = 0, i = 0; r < count; r++) {
    let at = r * rowStep;
    for (let j = 0; j < length; j++, i++, at += positionStep) result[i] = values[i]! * weight[at]!;
  }
  return { values: result, count, length };
}

function multiply({ values, count, length }: FloatRows, factors: Floats): FloatRows {
  const result = zerosLike(values);
  for (let i = 0; i < result.length; i++) result[i] = values[i]! * factors[i]!;
  return { values: result, count, length };
}

/** ∂x = rstd · (g − mean(g) − x̂ · mean(g · x̂)), row by row. */
function inputGrad(grads: FloatRows, normalized: Floats, rstd: Floats): Floats {
  const { values: g, count, length } = grads;
  const { values: result } = multiply(grads, normalized);
  for (let r = 0; r < count; r++) {
    const start = r * length;
    const projection = meanRow(result, start, length);
    const mean = meanRow(g, start, length);
    const factor = rstd[r]!;
    for (let i = start; i < start + length; i++) {
      result[i] = factor * (g[i]! - mean - normalized[i]! * projection);
    }
  }
  return result;
}

function rowSums({ values, count, length }: FloatRows): Floats {
  const sums = zerosLike(values, count);
  for (let r = 0; r < count; r++) sums[r] = sumRow(values, r * length, length);
  return sums;
}

/** The sum of each position over the rows. */
function columnSums({ values, count, length }: FloatRows): Floats {
  return rowSums(rowsOf(values, { shape: [count, length] }, [0]));
}
