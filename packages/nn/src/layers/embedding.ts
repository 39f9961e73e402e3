import { arange, embedding, embeddingBag, type Tensor, TensorError, update, zeros } from '@halfgrad/core';
import { normal } from '../init.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { creation, drawing, type LayerOptions, requireCounts } from './options.ts';

export interface EmbeddingLayerOptions extends LayerOptions {
  /** An index whose row starts as zeros and is not learned; negative ones count from the end. */
  readonly paddingIdx?: number;
}

/** A table of learned rows, `weight` `[count, features]` from N(0, 1), looked up by int32 indices of any shape. */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | undefined;
  readonly weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number, { paddingIdx, ...options }: EmbeddingLayerOptions = {}) {
    super();
    this.weight = createTable('Embedding', numEmbeddings, embeddingDim, options);
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.paddingIdx = paddingIdx === undefined ? undefined : rowOf(paddingIdx, numEmbeddings);
    this.clearPadding();
  }

  forward(index: Tensor): Tensor {
    return embedding(index, this.weight, { paddingIdx: this.paddingIdx });
  }

  /** Zeros the row of `paddingIdx`, if there is one: for those who draw the weight anew. */
  clearPadding(): void {
    const { paddingIdx, weight } = this;
    if (paddingIdx === undefined) return;
    const isPadding = arange(this.numEmbeddings, { device: weight.device }).equal(paddingIdx).unsqueeze(1);
    update('assign', { target: weight, source: weight.detach().maskedFill(isPadding, 0) });
  }
}

export interface EmbeddingBagOptions extends LayerOptions {
  readonly mode?: 'mean' | 'sum' | 'max';
}

/** The mean, sum or maximum of the rows that each bag of indices `[bags, size]` names (`torch.nn.EmbeddingBag`). */
export class EmbeddingBag extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly mode: 'mean' | 'sum' | 'max';
  readonly weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number, { mode = 'mean', ...options }: EmbeddingBagOptions = {}) {
    super();
    this.weight = createTable('EmbeddingBag', numEmbeddings, embeddingDim, options);
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.mode = mode;
  }

  forward(index: Tensor): Tensor {
    return embeddingBag(index, this.weight, { mode: this.mode });
  }
}

function createTable(layer: string, numEmbeddings: number, embeddingDim: number, options: LayerOptions): Parameter {
  requireCounts(layer, { numEmbeddings, embeddingDim });
  const weight = new Parameter(zeros([numEmbeddings, embeddingDim], creation(options)));
  normal(weight, 0, 1, drawing(options));
  return weight;
}

function rowOf(paddingIdx: number, count: number): number {
  const row = paddingIdx < 0 ? paddingIdx + count : paddingIdx;
  if (Number.isInteger(row) && row >= 0 && row < count) return row;
  throw new TensorError('invalid-argument', `Embedding: paddingIdx ${paddingIdx} is none of ${count} rows.`);
}
