import type { DecomposedOp } from '../functional/decompositions.ts';
import type { Attrs, Inputs, OpName, Result } from '../ops/signatures.ts';
import type { UpdateAttrs, UpdateInputs, UpdateName } from '../ops/updates.ts';
import type { DType } from '../spec/dtype.ts';
import type { HostData } from '../spec/host-data.ts';
import type { TensorSpec } from '../spec/spec.ts';

/** The memory behind one or more tensors, which `reshape` shares. */
export interface Block {
  /** Raised by every in-place update. */
  version: number;
  /** How many tensors and graph nodes hold it; the device is asked to free it at zero. */
  holders: number;
}

/** A dense row-major tensor as its device stores it. */
export interface Storage extends TensorSpec {
  readonly block: Block;
}

/**
 * Computes one op. `out` is what the shape rules promised, so a kernel checks nothing.
 *
 * Declared as a method so that a device of some storage type can be used where any device is expected: the executor
 * only ever gives a device its own storages.
 */
export type Kernel<K extends OpName, T> = {
  kernel(inputs: Inputs<K, T>, attrs: Attrs<K>, out: Result<K, TensorSpec>): Result<K, T>;
}['kernel'];

/** `'decomposed'` states that the op is what its decomposition says, computed wide and rounded once. */
export type KernelRow<K extends OpName, T> = Kernel<K, T> | (K extends DecomposedOp ? 'decomposed' : never);

/** Table 3 of 5 when complete, as in the reference backend; other devices leave out what they have no kernel for. */
export type Kernels<T> = { readonly [K in OpName]: KernelRow<K, T> };

export type UpdateKernel<K extends UpdateName, T> = {
  update(inputs: UpdateInputs<K, T>, attrs: UpdateAttrs<K>): void;
}['update'];

export type UpdateKernels<T> = { readonly [K in UpdateName]: UpdateKernel<K, T> };

/** Bytes that live on a device. */
export interface MemoryReport {
  readonly liveBytes: number;
  readonly peakBytes: number;
  readonly byDType: { readonly [D in DType]?: number };
}

/** Where tensors live and how they are computed. */
export interface Device<T extends Storage = Storage> {
  readonly name: string;
  /** Whether 16-bit arithmetic is a slow emulation, so that its time says nothing about hardware. */
  readonly emulatesHalf?: boolean;
  readonly kernels: Partial<Kernels<T>>;
  readonly updates: UpdateKernels<T>;
  /** Copies raw elements in. */
  upload(data: HostData, spec: TensorSpec): T;
  /** Copies raw elements out. */
  download(storage: T): Promise<HostData>;
  /** The same without waiting, on devices that can. */
  downloadSync?(storage: T): HostData;
  /** Gives a block back. Called once, when the last tensor on it has been disposed of or collected. */
  free(storage: T): void;
  memory(): MemoryReport;
}
