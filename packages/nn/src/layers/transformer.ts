import { gelu, relu, type Tensor } from '@halfgrad/core';
import { copyModule } from '../copy-module.ts';
import { Module } from '../module.ts';
import { type AttentionMasks, MultiheadAttention } from './attention.ts';
import { Dropout } from './dropout.ts';
import { LayerNorm } from './layer-norm.ts';
import { Linear } from './linear.ts';
import { drawing, type LayerOptions } from './options.ts';

export interface TransformerLayerOptions extends LayerOptions {
  /** The width of the hidden layer between the two linear ones. */
  readonly dimFeedforward?: number;
  readonly dropout?: number;
  readonly activation?: 'relu' | 'gelu' | ((x: Tensor) => Tensor);
  readonly layerNormEps?: number;
  /** Whether tensors are `[N, L, E]` instead of `[L, N, E]`. */
  readonly batchFirst?: boolean;
  /** Normalises before attention and feedforward instead of after: needs no warm-up (Xiong et al. 2020). */
  readonly normFirst?: boolean;
  readonly bias?: boolean;
}

const activations = { relu, gelu: (x: Tensor) => gelu(x) };

/**
 * Self-attention and a feedforward network, with the input added back to each (`torch.nn.TransformerEncoderLayer`).
 *
 * @see Vaswani et al. (2017), section 3.1. https://arxiv.org/abs/1706.03762
 */
export class TransformerEncoderLayer extends Module<[x: Tensor, masks?: AttentionMasks]> {
  readonly selfAttn: MultiheadAttention;
  readonly linear1: Linear;
  readonly dropout: Dropout;
  readonly linear2: Linear;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly dropout1: Dropout;
  readonly dropout2: Dropout;
  readonly activation: (x: Tensor) => Tensor;
  readonly normFirst: boolean;

  constructor(
    dModel: number,
    nhead: number,
    {
      dimFeedforward = 2048,
      dropout = 0.1,
      activation = 'relu',
      layerNormEps = 1e-5,
      batchFirst = false,
      normFirst = false,
      bias = true,
      ...options
    }: TransformerLayerOptions = {},
  ) {
    super();
    const norm = { eps: layerNormEps, bias, ...options };
    this.selfAttn = new MultiheadAttention(dModel, nhead, { dropout, bias, batchFirst, ...options });
    this.linear1 = new Linear(dModel, dimFeedforward, { bias, ...options });
    this.dropout = new Dropout(dropout, drawing(options));
    this.linear2 = new Linear(dimFeedforward, dModel, { bias, ...options });
    this.norm1 = new LayerNorm(dModel, norm);
    this.norm2 = new LayerNorm(dModel, norm);
    this.dropout1 = new Dropout(dropout, drawing(options));
    this.dropout2 = new Dropout(dropout, drawing(options));
    this.activation = typeof activation === 'function' ? activation : activations[activation];
    this.normFirst = normFirst;
  }

  forward(x: Tensor, masks: AttentionMasks = {}): Tensor {
    if (this.normFirst) {
      const attended = x.add(this.attend(this.norm1.forward(x), masks));
      return attended.add(this.feed(this.norm2.forward(attended)));
    }
    const attended = this.norm1.forward(x.add(this.attend(x, masks)));
    return this.norm2.forward(attended.add(this.feed(attended)));
  }

  private attend(x: Tensor, masks: AttentionMasks): Tensor {
    return this.dropout1.forward(this.selfAttn.forward(x, x, x, masks).output);
  }

  private feed(x: Tensor): Tensor {
    const hidden = this.dropout.forward(this.activation(this.linear1.forward(x)));
    return this.dropout2.forward(this.linear2.forward(hidden));
  }
}

/**
 * A stack of encoder layers (`torch.nn.TransformerEncoder`): copies of the one given, so that all begin alike, as in
 * PyTorch. `model.apply` can draw their weights anew.
 */
export class TransformerEncoder extends Module<[x: Tensor, masks?: AttentionMasks]> {
  readonly layers: readonly TransformerEncoderLayer[];
  readonly norm: LayerNorm | undefined;

  constructor(layer: TransformerEncoderLayer, numLayers: number, { norm }: { readonly norm?: LayerNorm } = {}) {
    super();
    this.layers = Array.from({ length: numLayers }, () => copyModule(layer));
    this.norm = norm;
  }

  forward(x: Tensor, masks: AttentionMasks = {}): Tensor {
    const out = this.layers.reduce((value, layer) => layer.forward(value, masks), x);
    return this.norm ? this.norm.forward(out) : out;
  }
}
