import { dispatch } from '../dispatch/layers.ts';
import { TensorError } from '../spec/errors.ts';
import { broadcastShapes, sizeOf } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { matmul } from './contraction.ts';
import { add, mul, where } from './elementwise.ts';
import { equal, lessEqual } from './logical.ts';
import { unsqueeze } from './movement.ts';
import { defaultGenerator, type Generator } from './random.ts';
import { amax, softmax } from './reduction.ts';

/** Which keys a query may attend to, and how scores are scaled. */
export interface AttentionOptions {
  /** `[…, L, S]`, broadcast: true where a query may attend to a key, or numbers that are added to the scores. */
  readonly attnMask?: Tensor | undefined;
  /** Whether query `i` attends to keys `0` to `i` only. */
  readonly isCausal?: boolean;
  /** `1 / √E` by default. */
  readonly scale?: number | undefined;
}

export interface AttentionDropout {
  /** The probability of a weight to be zeroed. */
  readonly dropoutP?: number;
  readonly generator?: Generator | undefined;
}

/**
 * Scaled dot-product attention of queries `[…, L, E]` over keys `[…, S, E]` and values `[…, S, V]`
 * (`torch.nn.functional.scaled_dot_product_attention`).
 *
 *   softmax(q kᵀ · scale + mask) v
 *
 * Queries are scaled before the product, which keeps float16 scores in range. A query that may attend to nothing gives 0.
 *
 * @see Vaswani et al. (2017), eq. 1. https://arxiv.org/abs/1706.03762
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  {
    attnMask: mask,
    isCausal: causal = false,
    scale = 1 / Math.sqrt(query.shape.at(-1) ?? 1),
    dropoutP: p = 0,
    generator = defaultGenerator,
  }: AttentionOptions & AttentionDropout = {},
): Tensor {
  const batch = broadcastShapes(query.shape.slice(0, -2), key.shape.slice(0, -2)) ?? [];
  const count = sizeOf(batch) * (query.shape.at(-2) ?? 1) * (key.shape.at(-2) ?? 1);
  const drop = { p, ...(p > 0 ? generator.reserve(count) : { seed: 0, offset: 0 }) };
  return dispatch('scaledDotProductAttention', { query, key, value, mask }, { causal, scale, ...drop });
}

/** How much each query `[…, L, E]` attends to each key `[…, S, E]`: `[…, L, S]`, rows that add up to 1 (or are 0). */
export function attentionWeights(
  query: Tensor,
  key: Tensor,
  { attnMask, isCausal = false, scale = 1 / Math.sqrt(query.shape.at(-1) ?? 1) }: AttentionOptions = {},
): Tensor {
  if (query.shape.length < 2 || key.shape.length < 2) {
    throw new TensorError(
      'shape-mismatch',
      `attention: query and key need 2 or more dimensions, have ${query.shape.length} and ${key.shape.length}.`,
    );
  }
  const scores = matmul(mul(query, scale), key, { transposeB: true });
  const masked = applyMask(isCausal ? where(causalMask(scores), scores, Number.NEGATIVE_INFINITY) : scores, attnMask);
  return attnMask ? maskedSoftmax(masked) : softmax(masked, -1);
}

function applyMask(scores: Tensor, mask: Tensor | undefined): Tensor {
  if (!mask) return scores;
  return mask.dtype === 'bool' ? where(mask, scores, Number.NEGATIVE_INFINITY) : add(scores, mask);
}

/** Zeros in rows of −∞, whose softmax and its gradient would be NaN. */
function maskedSoftmax(scores: Tensor): Tensor {
  const isBlank = equal(amax(scores.detach(), -1, { keepDim: true }), Number.NEGATIVE_INFINITY);
  return where(isBlank, 0, softmax(where(isBlank, 0, scores), -1));
}

/** True on and below the diagonal of the last two dimensions. */
function causalMask(scores: Tensor): Tensor {
  const [rows, columns] = scores.shape.slice(-2) as [number, number];
  return lessEqual(positions(scores, columns), unsqueeze(positions(scores, rows), 1));
}

/** The integers below `count`, on the device of `x`. */
function positions(x: Tensor, count: number): Tensor {
  const values = Int32Array.from({ length: count }, (_, i) => i);
  return x.constant(values, 'int32', [count]);
}
