import {
  type AttentionOptions,
  add,
  attentionWeights,
  chunk,
  linear,
  logicalAnd,
  logicalNot,
  matmul,
  mean,
  permute,
  scaledDotProductAttention,
  type Tensor,
  TensorError,
  where,
  zeros,
} from '@halfgrad/core';
import { constant, xavierUniform } from '../init.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { Dropout } from './dropout.ts';
import { Linear } from './linear.ts';
import { creation, drawing, type LayerOptions, requireCounts } from './options.ts';

export interface MultiheadAttentionOptions extends LayerOptions {
  /** The probability of an attention weight to be zeroed while training. */
  readonly dropout?: number;
  readonly bias?: boolean;
  /** Whether tensors are `[N, L, E]` instead of `[L, N, E]`. */
  readonly batchFirst?: boolean;
}

/**
 * What a call may attend to. As in PyTorch's module, and unlike `scaledDotProductAttention`, bool masks are true where
 * attention is *not* allowed; masks of numbers are added to the scores.
 */
export interface AttentionMasks {
  /** `[L, S]` or `[N · numHeads, L, S]`. */
  readonly attnMask?: Tensor | undefined;
  /** `[N, S]`: keys that are padding. */
  readonly keyPaddingMask?: Tensor | undefined;
  /** Whether query `i` attends to keys `0` to `i` only. */
  readonly isCausal?: boolean;
}

export interface AttentionCall extends AttentionMasks {
  /** Whether to return the attention weights: not by default, unlike in PyTorch. */
  readonly needWeights?: boolean;
  /** Whether the weights are averaged over the heads. */
  readonly averageAttnWeights?: boolean;
}

export interface AttentionResult {
  readonly output: Tensor;
  /** `[N, L, S]`, or `[N, numHeads, L, S]` when not averaged; before dropout. */
  readonly weights: Tensor | undefined;
}

/**
 * Attention of several heads, each over a part of the features (`torch.nn.MultiheadAttention`).
 *
 * @see Vaswani et al. (2017), section 3.2. https://arxiv.org/abs/1706.03762
 */
export class MultiheadAttention extends Module<
  [query: Tensor, key?: Tensor, value?: Tensor, call?: AttentionCall],
  AttentionResult
> {
  readonly embedDim: number;
  readonly numHeads: number;
  readonly batchFirst: boolean;
  /** The weights for queries, keys and values, one below the other. */
  readonly inProjWeight: Parameter;
  readonly inProjBias: Parameter | undefined;
  readonly outProj: Linear;
  readonly dropout: Dropout;

  constructor(
    embedDim: number,
    numHeads: number,
    { dropout = 0, bias = true, batchFirst = false, ...options }: MultiheadAttentionOptions = {},
  ) {
    super();
    requireCounts('MultiheadAttention', { embedDim, numHeads });
    if (embedDim % numHeads !== 0) {
      throw new TensorError(
        'invalid-argument',
        `MultiheadAttention: ${numHeads} heads do not divide ${embedDim} features.`,
      );
    }
    this.embedDim = embedDim;
    this.numHeads = numHeads;
    this.batchFirst = batchFirst;
    this.inProjWeight = new Parameter(zeros([3 * embedDim, embedDim], creation(options)));
    this.inProjBias = bias ? new Parameter(zeros([3 * embedDim], creation(options))) : undefined;
    this.outProj = new Linear(embedDim, embedDim, { bias, ...options });
    this.dropout = new Dropout(dropout, drawing(options));
    xavierUniform(this.inProjWeight, drawing(options));
    if (this.outProj.bias) constant(this.outProj.bias, 0);
  }

  /** Keys default to the queries, and values to the keys: `forward(x)` is self-attention. */
  forward(query: Tensor, key: Tensor = query, value: Tensor = key, call: AttentionCall = {}): AttentionResult {
    const { needWeights = false, averageAttnWeights = true, isCausal = false } = call;
    for (const x of [query, key, value]) this.requireShape(x);
    const [q, k, v] = this.projectInputs(query, key, value).map((x) => this.splitHeads(x)) as [Tensor, Tensor, Tensor];
    const options: AttentionOptions = { attnMask: this.allowed(call, q, k), isCausal };
    if (!needWeights) return { output: this.project(this.attend(q, k, v, options)), weights: undefined };
    const weights = attentionWeights(q, k, options);
    const output = this.project(matmul(this.dropout.forward(weights), v));
    return { output, weights: averageAttnWeights ? mean(weights, 1) : weights };
  }

  private requireShape(x: Tensor): void {
    if (x.rank === 3 && x.shape[2] === this.embedDim) return;
    const layout = this.batchFirst ? 'N,L' : 'L,N';
    throw new TensorError(
      'shape-mismatch',
      `MultiheadAttention: inputs are [${layout},${this.embedDim}], got [${x.shape.join(',')}].`,
    );
  }

  /** One product for self-attention, three otherwise. */
  private projectInputs(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const { inProjWeight, inProjBias } = this;
    if (query === key && key === value) return chunk(linear(query, inProjWeight, inProjBias), 3, -1);
    const weights = chunk(inProjWeight, 3);
    const biases = inProjBias && chunk(inProjBias, 3);
    return [query, key, value].map((x, i) => linear(x, weights[i] as Tensor, biases?.[i]));
  }

  /** `[N, numHeads, L, E / numHeads]` */
  private splitHeads(x: Tensor): Tensor {
    const [first, second] = x.shape as [number, number];
    const parts = x.reshape([first, second, this.numHeads, this.embedDim / this.numHeads]);
    return permute(parts, this.batchFirst ? [0, 2, 1, 3] : [1, 2, 0, 3]);
  }

  private attend(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
    const { p, training, generator } = this.dropout;
    return scaledDotProductAttention(q, k, v, { ...options, dropoutP: training ? p : 0, generator });
  }

  /** The heads joined, and multiplied by `outProj`. */
  private project(heads: Tensor): Tensor {
    const joined = permute(heads, this.batchFirst ? [0, 2, 1, 3] : [2, 0, 1, 3]);
    return this.outProj.forward(joined.flatten(2));
  }

  /** Both masks as one that `attentionWeights` takes, where true is allowed. */
  private allowed({ attnMask, keyPaddingMask }: AttentionMasks, q: Tensor, k: Tensor): Tensor | undefined {
    const [batch, heads, length] = q.shape as [number, number, number];
    const keys = k.shape[2] as number;
    const full = attnMask?.rank === 3 ? attnMask.reshape([batch, heads, length, keys]) : attnMask;
    const padding = keyPaddingMask?.reshape([batch, 1, 1, keys]);
    return combined(full && negated(full), padding && negated(padding));
  }
}

function negated(mask: Tensor): Tensor {
  return mask.dtype === 'bool' ? logicalNot(mask) : mask;
}

function combined(a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined {
  if (!a || !b) return a ?? b;
  return a.dtype === 'bool' && b.dtype === 'bool' ? logicalAnd(a, b) : add(additive(a), additive(b));
}

/** What to add to the scores. */
function additive(mask: Tensor): Tensor {
  return mask.dtype === 'bool' ? where(mask, 0, Number.NEGATIVE_INFINITY) : mask;
}
