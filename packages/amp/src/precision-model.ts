import type { DType, Tensor } from '@halfgrad/core';

/** Which modules keep their dtype. */
export interface CastOptions {
  readonly except?: (module: object) => boolean;
}

/** What amp needs to know of a model that it trains; every nn `Module` is one. */
export interface TrainableModel<Inputs extends readonly unknown[], Output> {
  forward(...inputs: Inputs): Output;
  namedParameters(): Iterable<readonly [name: string, parameter: Tensor]>;
  /** Replaces parameters and buffers by casts of them. */
  to(dtype: DType, options?: CastOptions): unknown;
}

/** What amp needs to know of a model that it evaluates; every nn `Module` is one. */
export interface EvaluableModel<Inputs extends readonly unknown[], Output> {
  forward(...inputs: Inputs): Output;
  modules(): Iterable<{ training: boolean }>;
  /** Replaces parameters and buffers by casts of them, and returns the way back. */
  convert(dtype: DType, options?: CastOptions): () => void;
}

/** Whether a module keeps running statistics, as batch norms do: the one layer that takes 16-bit inputs to float32 parameters (AMP.md A4.3). */
export function hasRunningStatistics(module: object): boolean {
  return 'runningVar' in module;
}
