import type { Attrs, Inputs, OpName, Result, TensorSpec } from '@halfgrad/core';
import type { GpuTensor } from '../storage.ts';

/** A kernel that may leave a call to the reference device, by returning undefined. */
type Attempt<K extends OpName> = (
  inputs: Inputs<K, GpuTensor>,
  attrs: Attrs<K>,
  out: Result<K, TensorSpec>,
) => Result<K, GpuTensor> | undefined;

export type Attempts = { readonly [K in OpName]?: Attempt<K> };
