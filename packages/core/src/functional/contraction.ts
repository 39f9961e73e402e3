import { dispatch } from '../dispatch/layers.ts';
import type { ConvolutionAttrs } from '../ops/signatures.ts';
import { argumentError, TensorError } from '../spec/errors.ts';
import { normalizeDim, sizeOf } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { add, cast, mul } from './elementwise.ts';
import { reshape, squeeze, unsqueeze } from './movement.ts';
import { pad } from './padding.ts';

export interface MatmulOptions {
  /** Reads the last two dimensions swapped, without copying. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * Matrix product of the last two dimensions; leading ones broadcast (`torch.matmul`). A 1-dim operand is a row on the
 * left, a column on the right, and its dimension disappears from the result.
 */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: MatmulOptions = {}): Tensor {
  if (a.shape.length === 1) {
    const row = matmul(unsqueeze(a, 0), b, { transposeB });
    return squeeze(row, b.shape.length === 1 ? -1 : -2);
  }
  if (b.shape.length === 1) return squeeze(matmul(a, unsqueeze(b, 1), { transposeA }), -1);
  if (a.shape.length > 2 && b.shape.length === 2 && !transposeA) {
    // One tall product: its weight gradient is then one product too, instead of a sum over the batch.
    const rows = a.shape.slice(0, -1);
    const flat = dispatch(
      'matmul',
      { a: reshape(a, [sizeOf(rows), a.shape.at(-1) as number]), b },
      { transposeA, transposeB },
    );
    return reshape(flat, [...rows, flat.shape[1] as number]);
  }
  return dispatch('matmul', { a, b }, { transposeA, transposeB });
}

/** `β · input + α · (a @ b)`, with one rounding and one dtype (`torch.addmm`). */
export function addmm(
  input: Tensor,
  a: Tensor,
  b: Tensor,
  { beta = 1, alpha = 1 }: { beta?: number; alpha?: number } = {},
): Tensor {
  return dispatch('addmm', { input, a, b }, { beta, alpha });
}

/** `β · input + α · (a @ b)` for every matrix of a batch (`torch.baddbmm`). */
export function baddbmm(input: Tensor, a: Tensor, b: Tensor, options: { beta?: number; alpha?: number } = {}): Tensor {
  requireDims('baddbmm', 3, { a, b });
  return addmm(input, a, b, options);
}

/** The products of two batches of matrices, `[B, N, K]` and `[B, K, M]` (`torch.bmm`); `matmul` also broadcasts. */
export function bmm(a: Tensor, b: Tensor): Tensor {
  requireDims('bmm', 3, { a, b });
  if (a.shape[0] !== b.shape[0]) throw argumentError('shape-mismatch', 'bmm', 'batches differ in size', { a, b });
  return matmul(a, b);
}

/** A matrix times a vector (`torch.mv`). */
export function mv(a: Tensor, b: Tensor): Tensor {
  requireDims('mv', 2, { a });
  requireDims('mv', 1, { b });
  return matmul(a, b);
}

/** `Σ aᵢ bᵢ` of two vectors. Unlike `matmul`, autocast keeps it in float32 (AMP.md A2). */
export function dot(a: Tensor, b: Tensor): Tensor {
  return dispatch('dot', { a, b });
}

/** The matrix `aᵢ bⱼ` of two vectors. */
export function outer(a: Tensor, b: Tensor): Tensor {
  requireDims('outer', 1, { a, b });
  return mul(unsqueeze(a, 1), b);
}

/** The cross product along a dimension of 3 elements; the others broadcast. */
export function cross(a: Tensor, b: Tensor, { dim = -1 }: { dim?: number } = {}): Tensor {
  return dispatch('cross', { a, b }, { dim: normalizeDim('cross', dim, a.shape.length) });
}

/**
 * Sums of products over the last `dims` dimensions of `a` and the first of `b`, or over the pairs listed
 * (`torch.tensordot`).
 */
export function tensordot(
  a: Tensor,
  b: Tensor,
  { dims = 2 }: { dims?: number | readonly [dimsA: readonly number[], dimsB: readonly number[]] } = {},
): Tensor {
  const [dimsA, dimsB] =
    typeof dims === 'number' ? [range(dims).map((i) => i - dims), range(dims)] : [dims[0], dims[1]];
  return dispatch(
    'tensordot',
    { a, b },
    {
      dimsA: dimsA.map((dim) => normalizeDim('tensordot', dim, a.shape.length)),
      dimsB: dimsB.map((dim) => normalizeDim('tensordot', dim, b.shape.length)),
    },
  );
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** `aᵀ Wᵢ b + biasᵢ` for `weight` `[out, features of a, features of b]` (`torch.nn.functional.bilinear`). */
export function bilinear(a: Tensor, b: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return dispatch('bilinear', { a, b, weight, bias });
}

/** `x Wᵀ + b`, with `weight` `[out, in]` and `bias` `[out]`, on the last dimension of `x`. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return dispatch('linear', { x, weight, bias });
}

/** One number for every spatial dimension, or one each. */
export type PerDim = number | readonly number[];

export interface ConvOptions {
  readonly stride?: PerDim;
  /** Zeros on both sides; `'same'` keeps the size (stride 1 only), `'valid'` adds none. */
  readonly padding?: PerDim | 'same' | 'valid';
  readonly dilation?: PerDim;
  readonly groups?: number;
}

/** Convolution of `[N, C, L]` with `weight` `[out, C / groups, K]` (cross-correlation, `torch.nn.functional.conv1d`). */
export function conv1d(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  return convolution('conv1d', 1, x, weight, bias, options);
}

/** Convolution of `[N, C, H, W]` with `weight` `[out, C / groups, KH, KW]` (`torch.nn.functional.conv2d`). */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  return convolution('conv2d', 2, x, weight, bias, options);
}

/** Convolution of `[N, C, D, H, W]` with `weight` `[out, C / groups, KD, KH, KW]` (`torch.nn.functional.conv3d`). */
export function conv3d(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvOptions = {}): Tensor {
  return convolution('conv3d', 3, x, weight, bias, options);
}

function convolution(
  op: string,
  rank: number,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  { stride = 1, padding = 0, dilation = 1, groups = 1 }: ConvOptions,
): Tensor {
  requireRank(op, rank, x);
  const attrs = { stride: perDim(op, stride, rank), dilation: perDim(op, dilation, rank), groups };
  if (padding !== 'same') {
    const zeros = padding === 'valid' ? 0 : padding;
    return dispatch('convolution', { x, weight, bias }, { ...attrs, padding: perDim(op, zeros, rank) });
  }
  if (attrs.stride.some((s) => s !== 1)) {
    throw new TensorError('invalid-argument', `${op}: padding 'same' needs stride 1, got [${attrs.stride.join(',')}]`);
  }
  // An odd total puts the extra zero behind, as PyTorch does.
  const totals = attrs.dilation.map((d, i) => d * ((weight.shape[2 + i] as number) - 1));
  const odd = totals.map((total) => total % 2);
  const padded = odd.some((n) => n > 0)
    ? pad(
        x,
        odd.toReversed().flatMap((n) => [0, n]),
      )
    : x;
  return dispatch(
    'convolution',
    { x: padded, weight, bias },
    { ...attrs, padding: totals.map((n) => Math.floor(n / 2)) },
  );
}

export interface ConvTransposeOptions {
  readonly stride?: PerDim;
  readonly padding?: PerDim;
  /** Extra size on one side, to choose among the sizes that the stride makes ambiguous. */
  readonly outputPadding?: PerDim;
  readonly dilation?: PerDim;
  readonly groups?: number;
}

/** Transposed convolution with `weight` `[in, out / groups, K]` (`torch.nn.functional.conv_transpose1d`). */
export function convTranspose1d(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvTransposeOptions = {}): Tensor {
  return convTranspose('convTranspose1d', 1, x, weight, bias, options);
}

/** Transposed convolution with `weight` `[in, out / groups, KH, KW]` (`torch.nn.functional.conv_transpose2d`). */
export function convTranspose2d(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvTransposeOptions = {}): Tensor {
  return convTranspose('convTranspose2d', 2, x, weight, bias, options);
}

/** Transposed convolution with `weight` `[in, out / groups, KD, KH, KW]` (`torch.nn.functional.conv_transpose3d`). */
export function convTranspose3d(x: Tensor, weight: Tensor, bias?: Tensor, options: ConvTransposeOptions = {}): Tensor {
  return convTranspose('convTranspose3d', 3, x, weight, bias, options);
}

function convTranspose(
  op: string,
  rank: number,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  { stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1 }: ConvTransposeOptions,
): Tensor {
  requireRank(op, rank, x);
  const attrs: ConvolutionAttrs = {
    stride: perDim(op, stride, rank),
    padding: perDim(op, padding, rank),
    dilation: perDim(op, dilation, rank),
    groups,
  };
  const extra = perDim(op, outputPadding, rank);
  const size = extra.map((more, i) => {
    const [s, p, d] = [attrs.stride[i] as number, attrs.padding[i] as number, attrs.dilation[i] as number];
    if (more >= Math.max(s, d)) {
      throw new TensorError('invalid-argument', `${op}: outputPadding ${more} must be smaller than stride or dilation`);
    }
    return ((x.shape[2 + i] as number) - 1) * s - 2 * p + d * ((weight.shape[2 + i] as number) - 1) + more + 1;
  });
  const out = dispatch('convolutionInputGrad', { gradOut: x, weight }, { ...attrs, size });
  return bias ? add(out, cast(reshape(bias, [-1, ...size.map(() => 1)]), out.dtype)) : out;
}

function requireDims(op: string, rank: number, tensors: Readonly<Record<string, Tensor>>): void {
  if (Object.values(tensors).every(({ shape }) => shape.length === rank)) return;
  throw argumentError('shape-mismatch', op, `needs ${rank} dimension${rank > 1 ? 's' : ''}`, tensors);
}

function requireRank(op: string, rank: number, x: Tensor): void {
  if (x.shape.length !== rank + 2) {
    const fix = x.shape.length === rank + 1 ? 'Add a batch dimension with x.unsqueeze(0).' : '';
    throw new TensorError(
      'shape-mismatch',
      `${op}: x needs ${rank + 2} dimensions, has ${x.shape.length}. ${fix}`.trim(),
    );
  }
}

/** One number per spatial dimension. */
export function perDim(op: string, value: PerDim, rank: number): readonly number[] {
  if (typeof value === 'number') return new Array<number>(rank).fill(value);
  if (value.length !== rank) {
    throw new TensorError('invalid-argument', `${op}: expected one number or ${rank}, got [${value.join(',')}]`);
  }
  return value;
}
