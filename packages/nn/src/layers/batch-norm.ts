import { argumentError, batchNorm, ones, type Tensor, update, zeros } from '@halfgrad/core';
import { Module } from '../module.ts';
import { Buffer, Parameter } from '../parameter.ts';
import { creation, type LayerOptions, requireCounts } from './options.ts';

export interface BatchNormOptions extends LayerOptions {
  readonly eps?: number;
  /** The share of each new batch in the running statistics. */
  readonly momentum?: number;
  /** Whether there is a learned weight and bias per channel. */
  readonly affine?: boolean;
  /** Whether there are running statistics for evaluation; without them every batch uses its own. */
  readonly trackRunningStats?: boolean;
}

/**
 * Normalises each channel over the batch while training, and with running statistics in evaluation.
 *
 *   running = (1 − momentum) · running + momentum · batch
 *
 * The batch variance enters the running one unbiased, multiplied by n / (n − 1) for n values per channel. The result
 * follows the dtype of the input also when parameters and statistics are float32 (AMP.md A4.3).
 *
 * @see Ioffe & Szegedy (2015). https://arxiv.org/abs/1502.03167
 */
export abstract class BatchNorm extends Module {
  readonly numFeatures: number;
  readonly eps: number;
  readonly momentum: number;
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
  readonly runningMean: Buffer | undefined;
  readonly runningVar: Buffer | undefined;
  readonly numBatchesTracked: Buffer | undefined;

  constructor(
    numFeatures: number,
    { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true, ...options }: BatchNormOptions = {},
  ) {
    super();
    requireCounts(this.constructor.name, { numFeatures });
    this.numFeatures = numFeatures;
    this.eps = eps;
    this.momentum = momentum;
    const shape = [numFeatures];
    if (affine) {
      this.weight = new Parameter(ones(shape, creation(options)));
      this.bias = new Parameter(zeros(shape, creation(options)));
    }
    if (trackRunningStats) {
      this.runningMean = new Buffer(zeros(shape, creation(options)));
      this.runningVar = new Buffer(ones(shape, creation(options)));
      this.numBatchesTracked = new Buffer(zeros([], { ...creation(options), dtype: 'int32' }));
    }
  }

  /** The numbers of dimensions that the input may have. */
  protected abstract readonly ranks: readonly number[];

  forward(x: Tensor): Tensor {
    if (!this.ranks.includes(x.rank)) {
      const expected = this.ranks.join(' or ');
      throw argumentError('shape-mismatch', this.constructor.name, `x needs ${expected} dimensions`, { x });
    }
    const { weight, bias, eps, runningMean, runningVar } = this;
    if (!this.training && runningMean) return batchNorm(x, { weight, bias, eps, runningMean, runningVar }).out;
    const { out, mean, variance } = batchNorm(x, { weight, bias, eps });
    if (this.training) this.track(x.size / this.numFeatures, mean, variance);
    return out;
  }

  private track(count: number, mean: Tensor, variance: Tensor): void {
    const { runningMean, runningVar, numBatchesTracked, momentum } = this;
    if (!runningMean || !runningVar || !numBatchesTracked) return;
    const unbiased = variance.mul(count / (count - 1));
    update('lerp', { target: runningMean, source: mean }, { weight: momentum });
    update('lerp', { target: runningVar, source: unbiased }, { weight: momentum });
    update('assign', { target: numBatchesTracked, source: numBatchesTracked.add(1) });
  }
}

/** Batch norm of `[N, C]` or `[N, C, L]` (`torch.nn.BatchNorm1d`). */
export class BatchNorm1d extends BatchNorm {
  protected get ranks(): readonly number[] {
    return [2, 3];
  }
}

/** Batch norm of `[N, C, H, W]` (`torch.nn.BatchNorm2d`). */
export class BatchNorm2d extends BatchNorm {
  protected get ranks(): readonly number[] {
    return [4];
  }
}

/** Batch norm of `[N, C, D, H, W]` (`torch.nn.BatchNorm3d`). */
export class BatchNorm3d extends BatchNorm {
  protected get ranks(): readonly number[] {
    return [5];
  }
}
