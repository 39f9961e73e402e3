import { embedding, type Tensor, zeros } from '@halfgrad/core';
import { normal } from '../init.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { creation, drawing, type LayerOptions, requireCounts } from './options.ts';

/** A table of learned rows, `weight` `[count, features]` from N(0, 1), looked up by int32 indices of any shape. */
export class Embedding extends Module {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly weight: Parameter;

  constructor(numEmbeddings: number, embeddingDim: number, options: LayerOptions = {}) {
    super();
    requireCounts('Embedding', { numEmbeddings, embeddingDim });
    this.numEmbeddings = numEmbeddings;
    this.embeddingDim = embeddingDim;
    this.weight = new Parameter(zeros([numEmbeddings, embeddingDim], creation(options)));
    normal(this.weight, 0, 1, drawing(options));
  }

  forward(index: Tensor): Tensor {
    return embedding(index, this.weight);
  }
}
