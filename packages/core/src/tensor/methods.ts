import * as activation from '../functional/activation.ts';
import * as contraction from '../functional/contraction.ts';
import * as elementwise from '../functional/elementwise.ts';
import * as indexing from '../functional/indexing.ts';
import * as logical from '../functional/logical.ts';
import * as movement from '../functional/movement.ts';
import * as rearrangement from '../functional/rearrangement.ts';
import * as reduction from '../functional/reduction.ts';
import * as sorting from '../functional/sorting.ts';
import type { Tensor } from './tensor.ts';

type Operand = elementwise.Operand;
type Dims = reduction.Dims;

/** The functions that PyTorch also has as methods: `x.add(y)` is `add(x, y)`, where they are documented. */
export abstract class TensorMethods {
  // ─── Elementwise ──────────────────────────────────────────────────────────────────────────────────────────────────

  add(this: Tensor, other: Operand): Tensor {
    return elementwise.add(this, other);
  }

  sub(this: Tensor, other: Operand): Tensor {
    return elementwise.sub(this, other);
  }

  mul(this: Tensor, other: Operand): Tensor {
    return elementwise.mul(this, other);
  }

  div(this: Tensor, other: Operand): Tensor {
    return elementwise.div(this, other);
  }

  pow(this: Tensor, exponent: Operand): Tensor {
    return elementwise.pow(this, exponent);
  }

  maximum(this: Tensor, other: Operand): Tensor {
    return elementwise.maximum(this, other);
  }

  minimum(this: Tensor, other: Operand): Tensor {
    return elementwise.minimum(this, other);
  }

  equal(this: Tensor, other: Operand): Tensor {
    return logical.equal(this, other);
  }

  notEqual(this: Tensor, other: Operand): Tensor {
    return logical.notEqual(this, other);
  }

  less(this: Tensor, other: Operand): Tensor {
    return logical.less(this, other);
  }

  lessEqual(this: Tensor, other: Operand): Tensor {
    return logical.lessEqual(this, other);
  }

  greater(this: Tensor, other: Operand): Tensor {
    return logical.greater(this, other);
  }

  greaterEqual(this: Tensor, other: Operand): Tensor {
    return logical.greaterEqual(this, other);
  }

  maskedFill(this: Tensor, mask: Tensor, value: number): Tensor {
    return elementwise.maskedFill(this, mask, value);
  }

  atan2(this: Tensor, other: Operand): Tensor {
    return elementwise.atan2(this, other);
  }

  fmod(this: Tensor, other: Operand): Tensor {
    return elementwise.fmod(this, other);
  }

  remainder(this: Tensor, other: Operand): Tensor {
    return elementwise.remainder(this, other);
  }

  lerp(this: Tensor, end: Tensor, weight: Operand): Tensor {
    return elementwise.lerp(this, end, weight);
  }

  addcmul(this: Tensor, a: Tensor, b: Tensor, options?: { value?: number }): Tensor {
    return elementwise.addcmul(this, a, b, options);
  }

  addcdiv(this: Tensor, a: Tensor, b: Tensor, options?: { value?: number }): Tensor {
    return elementwise.addcdiv(this, a, b, options);
  }

  logicalAnd(this: Tensor, other: Tensor): Tensor {
    return logical.logicalAnd(this, other);
  }

  logicalOr(this: Tensor, other: Tensor): Tensor {
    return logical.logicalOr(this, other);
  }

  logicalXor(this: Tensor, other: Tensor): Tensor {
    return logical.logicalXor(this, other);
  }

  logicalNot(this: Tensor): Tensor {
    return logical.logicalNot(this);
  }

  neg(this: Tensor): Tensor {
    return elementwise.neg(this);
  }

  abs(this: Tensor): Tensor {
    return elementwise.abs(this);
  }

  sign(this: Tensor): Tensor {
    return elementwise.sign(this);
  }

  exp(this: Tensor): Tensor {
    return elementwise.exp(this);
  }

  expm1(this: Tensor): Tensor {
    return elementwise.expm1(this);
  }

  log(this: Tensor): Tensor {
    return elementwise.log(this);
  }

  log1p(this: Tensor): Tensor {
    return elementwise.log1p(this);
  }

  log2(this: Tensor): Tensor {
    return elementwise.log2(this);
  }

  log10(this: Tensor): Tensor {
    return elementwise.log10(this);
  }

  sqrt(this: Tensor): Tensor {
    return elementwise.sqrt(this);
  }

  rsqrt(this: Tensor): Tensor {
    return elementwise.rsqrt(this);
  }

  reciprocal(this: Tensor): Tensor {
    return elementwise.reciprocal(this);
  }

  square(this: Tensor): Tensor {
    return elementwise.square(this);
  }

  sin(this: Tensor): Tensor {
    return elementwise.sin(this);
  }

  cos(this: Tensor): Tensor {
    return elementwise.cos(this);
  }

  tan(this: Tensor): Tensor {
    return elementwise.tan(this);
  }

  asin(this: Tensor): Tensor {
    return elementwise.asin(this);
  }

  acos(this: Tensor): Tensor {
    return elementwise.acos(this);
  }

  atan(this: Tensor): Tensor {
    return elementwise.atan(this);
  }

  sinh(this: Tensor): Tensor {
    return elementwise.sinh(this);
  }

  cosh(this: Tensor): Tensor {
    return elementwise.cosh(this);
  }

  asinh(this: Tensor): Tensor {
    return elementwise.asinh(this);
  }

  acosh(this: Tensor): Tensor {
    return elementwise.acosh(this);
  }

  atanh(this: Tensor): Tensor {
    return elementwise.atanh(this);
  }

  floor(this: Tensor): Tensor {
    return elementwise.floor(this);
  }

  ceil(this: Tensor): Tensor {
    return elementwise.ceil(this);
  }

  round(this: Tensor): Tensor {
    return elementwise.round(this);
  }

  trunc(this: Tensor): Tensor {
    return elementwise.trunc(this);
  }

  erf(this: Tensor): Tensor {
    return elementwise.erf(this);
  }

  tanh(this: Tensor): Tensor {
    return elementwise.tanh(this);
  }

  sigmoid(this: Tensor): Tensor {
    return elementwise.sigmoid(this);
  }

  relu(this: Tensor): Tensor {
    return activation.relu(this);
  }

  gelu(this: Tensor, options?: { approximate?: 'none' | 'tanh' }): Tensor {
    return activation.gelu(this, options);
  }

  clamp(this: Tensor, bounds: { min?: number; max?: number }): Tensor {
    return elementwise.clamp(this, bounds);
  }

  isFinite(this: Tensor): Tensor {
    return logical.isFinite(this);
  }

  isNaN(this: Tensor): Tensor {
    return logical.isNaN(this);
  }

  isInf(this: Tensor): Tensor {
    return logical.isInf(this);
  }

  // ─── Movement and indexing ────────────────────────────────────────────────────────────────────────────────────────

  reshape(this: Tensor, shape: readonly number[]): Tensor {
    return movement.reshape(this, shape);
  }

  flatten(this: Tensor, startDim?: number, endDim?: number): Tensor {
    return movement.flatten(this, startDim, endDim);
  }

  unsqueeze(this: Tensor, dim: number): Tensor {
    return movement.unsqueeze(this, dim);
  }

  squeeze(this: Tensor, dim?: number | readonly number[]): Tensor {
    return movement.squeeze(this, dim);
  }

  permute(this: Tensor, dims: readonly number[]): Tensor {
    return movement.permute(this, dims);
  }

  transpose(this: Tensor, dim0?: number, dim1?: number): Tensor {
    return movement.transpose(this, dim0, dim1);
  }

  expand(this: Tensor, shape: readonly number[]): Tensor {
    return movement.expand(this, shape);
  }

  slice(this: Tensor, ranges: readonly movement.SliceRange[]): Tensor {
    return movement.slice(this, ranges);
  }

  narrow(this: Tensor, dim: number, start: number, length: number): Tensor {
    return movement.narrow(this, dim, start, length);
  }

  select(this: Tensor, dim: number, index: number): Tensor {
    return movement.select(this, dim, index);
  }

  flip(this: Tensor, dims: number | readonly number[]): Tensor {
    return movement.flip(this, dims);
  }

  indexSelect(this: Tensor, dim: number, index: Tensor): Tensor {
    return indexing.indexSelect(this, dim, index);
  }

  movedim(this: Tensor, source: number | readonly number[], destination: number | readonly number[]): Tensor {
    return rearrangement.movedim(this, source, destination);
  }

  repeat(this: Tensor, times: readonly number[]): Tensor {
    return rearrangement.repeat(this, times);
  }

  tile(this: Tensor, times: readonly number[]): Tensor {
    return rearrangement.tile(this, times);
  }

  repeatInterleave(this: Tensor, times: number, dim: number): Tensor {
    return rearrangement.repeatInterleave(this, times, dim);
  }

  roll(this: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
    return rearrangement.roll(this, shifts, dims);
  }

  tril(this: Tensor, diagonal?: number): Tensor {
    return rearrangement.tril(this, diagonal);
  }

  triu(this: Tensor, diagonal?: number): Tensor {
    return rearrangement.triu(this, diagonal);
  }

  diagonal(this: Tensor, options?: { offset?: number; dim0?: number; dim1?: number }): Tensor {
    return rearrangement.diagonal(this, options);
  }

  split(this: Tensor, size: number | readonly number[], dim?: number): Tensor[] {
    return movement.split(this, size, dim);
  }

  chunk(this: Tensor, chunks: number, dim?: number): Tensor[] {
    return movement.chunk(this, chunks, dim);
  }

  index(this: Tensor, ...indices: readonly Tensor[]): Tensor {
    return indexing.index(this, ...indices);
  }

  indexAdd(this: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
    return indexing.indexAdd(this, dim, index, source);
  }

  indexCopy(this: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
    return indexing.indexCopy(this, dim, index, source);
  }

  scatter(this: Tensor, dim: number, index: Tensor, source: Tensor | number): Tensor {
    return indexing.scatter(this, dim, index, source);
  }

  scatterAdd(this: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
    return indexing.scatterAdd(this, dim, index, source);
  }

  gather(this: Tensor, dim: number, index: Tensor): Tensor {
    return indexing.gather(this, dim, index);
  }

  // ─── Reduction and contraction ────────────────────────────────────────────────────────────────────────────────────

  sum(this: Tensor, dim?: Dims, options?: reduction.ReductionOptions & reduction.DTypeOption): Tensor {
    return reduction.sum(this, dim, options);
  }

  mean(this: Tensor, dim?: Dims, options?: reduction.ReductionOptions): Tensor {
    return reduction.mean(this, dim, options);
  }

  variance(this: Tensor, dim?: Dims, options?: reduction.ReductionOptions & { readonly correction?: number }): Tensor {
    return reduction.variance(this, dim, options);
  }

  std(this: Tensor, dim?: Dims, options?: reduction.ReductionOptions & { readonly correction?: number }): Tensor {
    return reduction.std(this, dim, options);
  }

  prod(this: Tensor, dim?: Dims, options?: reduction.ReductionOptions & reduction.DTypeOption): Tensor {
    return reduction.prod(this, dim, options);
  }

  any(this: Tensor, dim?: Dims, options?: reduction.ReductionOptions): Tensor {
    return reduction.any(this, dim, options);
  }

  all(this: Tensor, dim?: Dims, options?: reduction.ReductionOptions): Tensor {
    return reduction.all(this, dim, options);
  }

  cumsum(this: Tensor, dim: number, options?: reduction.DTypeOption): Tensor {
    return reduction.cumsum(this, dim, options);
  }

  cumprod(this: Tensor, dim: number, options?: reduction.DTypeOption): Tensor {
    return reduction.cumprod(this, dim, options);
  }

  logsumexp(this: Tensor, dim?: Dims, options?: reduction.ReductionOptions): Tensor {
    return reduction.logsumexp(this, dim, options);
  }

  max(this: Tensor, dim: number, options?: reduction.ReductionOptions): sorting.ValuesAndIndices {
    return sorting.max(this, dim, options);
  }

  min(this: Tensor, dim: number, options?: reduction.ReductionOptions): sorting.ValuesAndIndices {
    return sorting.min(this, dim, options);
  }

  sort(this: Tensor, dim?: number, options?: { descending?: boolean }): sorting.ValuesAndIndices {
    return sorting.sort(this, dim, options);
  }

  argsort(this: Tensor, dim?: number, options?: { descending?: boolean }): Tensor {
    return sorting.argsort(this, dim, options);
  }

  topk(this: Tensor, k: number, dim?: number, options?: { largest?: boolean }): sorting.ValuesAndIndices {
    return sorting.topk(this, k, dim, options);
  }

  amin(this: Tensor, dim?: Dims, options?: reduction.ReductionOptions): Tensor {
    return reduction.amin(this, dim, options);
  }

  argmin(this: Tensor, dim?: number, options?: reduction.ReductionOptions): Tensor {
    return reduction.argmin(this, dim, options);
  }

  amax(this: Tensor, dim?: Dims, options?: reduction.ReductionOptions): Tensor {
    return reduction.amax(this, dim, options);
  }

  argmax(this: Tensor, dim?: number, options?: reduction.ReductionOptions): Tensor {
    return reduction.argmax(this, dim, options);
  }

  softmax(this: Tensor, dim: number, options?: reduction.DTypeOption): Tensor {
    return reduction.softmax(this, dim, options);
  }

  logSoftmax(this: Tensor, dim: number, options?: reduction.DTypeOption): Tensor {
    return reduction.logSoftmax(this, dim, options);
  }

  norm(this: Tensor, p?: number, dim?: Dims, options?: reduction.ReductionOptions & reduction.DTypeOption): Tensor {
    return reduction.norm(this, p, dim, options);
  }

  matmul(this: Tensor, other: Tensor, options?: contraction.MatmulOptions): Tensor {
    return contraction.matmul(this, other, options);
  }

  bmm(this: Tensor, other: Tensor): Tensor {
    return contraction.bmm(this, other);
  }

  mv(this: Tensor, vector: Tensor): Tensor {
    return contraction.mv(this, vector);
  }

  dot(this: Tensor, other: Tensor): Tensor {
    return contraction.dot(this, other);
  }

  outer(this: Tensor, other: Tensor): Tensor {
    return contraction.outer(this, other);
  }

  cross(this: Tensor, other: Tensor, options?: { dim?: number }): Tensor {
    return contraction.cross(this, other, options);
  }
}
