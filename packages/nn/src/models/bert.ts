import { gelu, notEqual, permute, scaledDotProductAttention, type Tensor, TensorError, tanh } from '@halfgrad/core';
import { constant, normal } from '../init.ts';
import { Dropout } from '../layers/dropout.ts';
import { Embedding } from '../layers/embedding.ts';
import { LayerNorm } from '../layers/layer-norm.ts';
import { Linear } from '../layers/linear.ts';
import { drawing, type LayerOptions } from '../layers/options.ts';
import { type AnyModule, Module } from '../module.ts';

/** The sizes of a BERT, by default those of BERT-base. */
export interface BertOptions extends LayerOptions {
  readonly vocabSize?: number;
  readonly hiddenSize?: number;
  readonly numHiddenLayers?: number;
  readonly numAttentionHeads?: number;
  readonly intermediateSize?: number;
  readonly maxPositionEmbeddings?: number;
  readonly typeVocabSize?: number;
  readonly dropout?: number;
  readonly layerNormEps?: number;
  /** The standard deviation of initial weights. */
  readonly initializerRange?: number;
}

/** What comes with the token ids `[N, L]`, as a tokenizer gives it. */
export interface BertInputs {
  /** `[N, L]`: not 0 for tokens, 0 for padding. */
  readonly attentionMask?: Tensor | undefined;
  /** `[N, L]`: 0 in the first sentence, 1 in the second. */
  readonly tokenTypeIds?: Tensor | undefined;
}

export interface BertOutput {
  /** `[N, L, hiddenSize]` */
  readonly lastHiddenState: Tensor;
  /** `[N, hiddenSize]`: of the first token, through a linear layer and tanh. */
  readonly poolerOutput: Tensor;
}

type BertSizes = Required<Omit<BertOptions, keyof LayerOptions>>;

const base: BertSizes = {
  vocabSize: 30_522,
  hiddenSize: 768,
  numHiddenLayers: 12,
  numAttentionHeads: 12,
  intermediateSize: 3072,
  maxPositionEmbeddings: 512,
  typeVocabSize: 2,
  dropout: 0.1,
  layerNormEps: 1e-12,
  initializerRange: 0.02,
};

/**
 * A bidirectional transformer encoder, with the keys of transformers' `BertModel` (`encoder.layer.0.attention.self.query.weight`).
 *
 * @see Devlin et al. (2019). https://arxiv.org/abs/1810.04805
 */
export class BertModel extends Module<[ids: Tensor, inputs?: BertInputs], BertOutput> {
  readonly embeddings: {
    readonly wordEmbeddings: Embedding;
    readonly positionEmbeddings: Embedding;
    readonly tokenTypeEmbeddings: Embedding;
    readonly LayerNorm: LayerNorm;
    readonly dropout: Dropout;
  };
  readonly encoder: { readonly layer: readonly BertLayer[] };
  readonly pooler: { readonly dense: Linear };

  constructor(options: BertOptions = {}) {
    super();
    const sizes = { ...base, ...options };
    const { vocabSize, hiddenSize, numHiddenLayers, maxPositionEmbeddings, typeVocabSize, initializerRange } = sizes;
    this.embeddings = {
      wordEmbeddings: new Embedding(vocabSize, hiddenSize, { ...options, paddingIdx: 0 }),
      positionEmbeddings: new Embedding(maxPositionEmbeddings, hiddenSize, options),
      tokenTypeEmbeddings: new Embedding(typeVocabSize, hiddenSize, options),
      LayerNorm: new LayerNorm(hiddenSize, { ...options, eps: sizes.layerNormEps }),
      dropout: new Dropout(sizes.dropout, drawing(options)),
    };
    this.encoder = { layer: Array.from({ length: numHiddenLayers }, () => new BertLayer(sizes)) };
    this.pooler = { dense: new Linear(hiddenSize, hiddenSize, options) };
    this.apply((module) => initialize(module, initializerRange, options));
  }

  forward(ids: Tensor, { attentionMask, tokenTypeIds }: BertInputs = {}): BertOutput {
    const embedded = this.embed(ids, tokenTypeIds);
    // True where a token may be attended to, by all heads and queries.
    const allowed = attentionMask && notEqual(attentionMask, 0).unsqueeze(1).unsqueeze(1);
    const lastHiddenState = this.encoder.layer.reduce((x, layer) => layer.forward(x, allowed), embedded);
    const poolerOutput = tanh(this.pooler.dense.forward(lastHiddenState.select(1, 0)));
    return { lastHiddenState, poolerOutput };
  }

  private embed(ids: Tensor, tokenTypeIds: Tensor | undefined): Tensor {
    const { wordEmbeddings, positionEmbeddings, tokenTypeEmbeddings, LayerNorm, dropout } = this.embeddings;
    const length = ids.shape.at(-1) ?? 0;
    if (ids.rank !== 2 || length > positionEmbeddings.numEmbeddings) {
      throw new TensorError(
        'shape-mismatch',
        `BertModel: ids are [N,L] with L ≤ ${positionEmbeddings.numEmbeddings}, got [${ids.shape.join(',')}].`,
      );
    }
    const types = tokenTypeIds ? tokenTypeEmbeddings.forward(tokenTypeIds) : tokenTypeEmbeddings.weight.select(0, 0);
    const positions = positionEmbeddings.weight.narrow(0, 0, length);
    return dropout.forward(LayerNorm.forward(wordEmbeddings.forward(ids).add(types).add(positions)));
  }
}

/** Self-attention and a feedforward network, each added to its input and normalised. */
class BertLayer extends Module<[x: Tensor, allowed?: Tensor | undefined]> {
  readonly attention: {
    readonly self: { readonly query: Linear; readonly key: Linear; readonly value: Linear };
    readonly output: AddAndNorm;
  };
  readonly intermediate: { readonly dense: Linear };
  readonly output: AddAndNorm;
  readonly dropout: Dropout;
  readonly numAttentionHeads: number;

  constructor(sizes: BertSizes & LayerOptions) {
    super();
    const { hiddenSize, intermediateSize, numAttentionHeads, dropout } = sizes;
    if (hiddenSize % numAttentionHeads !== 0) {
      throw new TensorError(
        'invalid-argument',
        `BertModel: ${numAttentionHeads} heads do not divide ${hiddenSize} features.`,
      );
    }
    const square = (): Linear => new Linear(hiddenSize, hiddenSize, sizes);
    this.attention = {
      self: { query: square(), key: square(), value: square() },
      output: new AddAndNorm(hiddenSize, sizes),
    };
    this.intermediate = { dense: new Linear(hiddenSize, intermediateSize, sizes) };
    this.output = new AddAndNorm(intermediateSize, sizes);
    this.dropout = new Dropout(dropout, drawing(sizes));
    this.numAttentionHeads = numAttentionHeads;
  }

  forward(x: Tensor, allowed?: Tensor): Tensor {
    const attended = this.attention.output.forward(this.attend(x, allowed), x);
    return this.output.forward(gelu(this.intermediate.dense.forward(attended)), attended);
  }

  private attend(x: Tensor, attnMask: Tensor | undefined): Tensor {
    const { query, key, value } = this.attention.self;
    const [q, k, v] = [query, key, value].map((layer) => this.splitHeads(layer.forward(x))) as [Tensor, Tensor, Tensor];
    const { p, training, generator } = this.dropout;
    const mixed = scaledDotProductAttention(q, k, v, { attnMask, dropoutP: training ? p : 0, generator });
    return permute(mixed, [0, 2, 1, 3]).flatten(2);
  }

  /** `[N, heads, L, hiddenSize / heads]` */
  private splitHeads(x: Tensor): Tensor {
    const [batch, length] = x.shape as [number, number];
    return permute(x.reshape([batch, length, this.numAttentionHeads, -1]), [0, 2, 1, 3]);
  }
}

class AddAndNorm extends Module<[x: Tensor, residual: Tensor]> {
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;
  readonly dropout: Dropout;

  constructor(inFeatures: number, sizes: BertSizes & LayerOptions) {
    super();
    const { hiddenSize, layerNormEps, dropout } = sizes;
    this.dense = new Linear(inFeatures, hiddenSize, sizes);
    this.LayerNorm = new LayerNorm(hiddenSize, { ...sizes, eps: layerNormEps });
    this.dropout = new Dropout(dropout, drawing(sizes));
  }

  forward(x: Tensor, residual: Tensor): Tensor {
    return this.LayerNorm.forward(this.dropout.forward(this.dense.forward(x)).add(residual));
  }
}

/** A BERT with a linear classifier on the pooled first token (`BertForSequenceClassification` of transformers). */
export class BertForSequenceClassification extends Module<[ids: Tensor, inputs?: BertInputs]> {
  readonly bert: BertModel;
  readonly dropout: Dropout;
  readonly classifier: Linear;

  constructor({ numLabels = 2, ...options }: BertOptions & { readonly numLabels?: number } = {}) {
    super();
    const { hiddenSize, dropout, initializerRange } = { ...base, ...options };
    this.bert = new BertModel(options);
    this.dropout = new Dropout(dropout, drawing(options));
    this.classifier = new Linear(hiddenSize, numLabels, options);
    initialize(this.classifier, initializerRange, options);
  }

  /** Logits `[N, numLabels]`. */
  forward(ids: Tensor, inputs: BertInputs = {}): Tensor {
    const { poolerOutput } = this.bert.forward(ids, inputs);
    return this.classifier.forward(this.dropout.forward(poolerOutput));
  }
}

function initialize(module: AnyModule, std: number, options: LayerOptions): void {
  if (module instanceof Linear || module instanceof Embedding) normal(module.weight, 0, std, drawing(options));
  if (module instanceof Linear && module.bias) constant(module.bias, 0);
  if (module instanceof Embedding) module.clearPadding();
}
