import type {
  Attrs,
  Inputs,
  OpName,
  Result,
  TensorSpec,
  Tree,
  UpdateAttrs,
  UpdateInputs,
  UpdateName,
} from '@halfgrad/core';
import type { WasmTensor } from '../wasm-tensor.ts';

/** Computes an op, or declines with `undefined` what it has no code for: the reference kernel takes over then. */
type FastKernel<K extends OpName> = (
  inputs: Inputs<K, WasmTensor>,
  attrs: Attrs<K>,
  out: Result<K, TensorSpec>,
) => Result<K, WasmTensor> | undefined;

export type FastKernels = { readonly [K in OpName]?: FastKernel<K> };

/** Carries out an update, or leaves everything as it is and says that it has no code for it. */
type FastUpdate<K extends UpdateName> = (
  inputs: UpdateInputs<K, WasmTensor>,
  attrs: UpdateAttrs<K>,
) => 'done' | 'declined';

export type FastUpdates = { readonly [K in UpdateName]?: FastUpdate<K> };

/** The same with the op erased, for plumbing. */
export type AnyFastKernel = (
  inputs: Tree<WasmTensor>,
  attrs: unknown,
  out: Tree<TensorSpec>,
) => Tree<WasmTensor> | undefined;

export type AnyFastUpdate = (inputs: Tree<WasmTensor>, attrs: unknown) => 'done' | 'declined';
