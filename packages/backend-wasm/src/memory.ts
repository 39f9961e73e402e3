import {
  type DType,
  dtypes,
  type HostDataOf,
  type MemoryReport,
  showSpec,
  sizeOf,
  TensorError,
  type TensorSpec,
} from '@halfgrad/core';
import { Allocator } from './allocator.ts';
import type { LinearMemory } from './linear-memory.ts';
import type { Lease, WasmBlock, WasmTensor } from './wasm-tensor.ts';

/** The blocks of a device: who holds which part of the linear memory. */
export class DeviceMemory {
  readonly linear: LinearMemory;
  readonly #allocator: Allocator;
  readonly #live: Map<DType, number> = new Map();
  /**
   * The net for blocks that are collected without having been freed. Engines may cast it late, and never during a loop
   * that does not yield.
   */
  readonly #collected: FinalizationRegistry<Lease> = new FinalizationRegistry((lease) => this.#end(lease));
  #total = 0;
  #peak = 0;

  constructor(linear: LinearMemory) {
    this.linear = linear;
    // Address 0 stays unused, so that a pointer that was never set does not go unnoticed.
    this.#allocator = new Allocator(1, (end) => linear.reserve(end));
  }

  /**
   * A tensor whose elements are whatever was in memory before.
   *
   * @throws TensorError `out-of-memory`.
   */
  create({ shape, dtype, isNumber }: TensorSpec): WasmTensor {
    const bytes = sizeOf(shape) * dtypes[dtype].bytes;
    const extent = this.#allocator.allocate(bytes);
    if (!extent) throw this.#exhausted(showSpec({ shape, dtype }), bytes);
    const lease: Lease = { extent, dtype, bytes };
    const block: WasmBlock = { version: 0, holders: 0, pointer: extent.pointer, lease };
    this.#collected.register(block, lease, block);
    this.#count(dtype, bytes);
    return { shape, dtype, isNumber, block };
  }

  /** A tensor whose elements `fill` writes; when it fails, for instance for want of a workspace, nothing is left behind. */
  compute(spec: TensorSpec, fill: (result: WasmTensor) => void): WasmTensor {
    const result = this.create(spec);
    try {
      fill(result);
    } catch (error) {
      this.free(result.block);
      throw error;
    }
    return result;
  }

  /** The elements of a tensor, without a copy. Valid until the next allocation. */
  elements<D extends DType>({ dtype, shape, block }: WasmTensor & { readonly dtype: D }): HostDataOf[D] {
    return this.linear.view(dtype, block.pointer, sizeOf(shape));
  }

  free(block: WasmBlock): void {
    if (this.#collected.unregister(block)) this.#end(block.lease);
  }

  /**
   * Lends memory to a kernel while it runs. It does not count as live.
   *
   * @throws TensorError `out-of-memory`.
   */
  lend(bytes: number, use: (pointer: number) => void): void {
    const extent = this.#allocator.allocate(bytes);
    if (!extent) throw this.#exhausted('the workspace of a kernel', bytes);
    try {
      use(extent.pointer);
    } finally {
      this.#allocator.free(extent);
    }
  }

  report(): MemoryReport {
    return {
      liveBytes: this.#total,
      peakBytes: this.#peak,
      byDType: Object.fromEntries([...this.#live].filter(([, bytes]) => bytes > 0)),
    };
  }

  #count(dtype: DType, bytes: number): void {
    this.#live.set(dtype, (this.#live.get(dtype) ?? 0) + bytes);
    this.#total += bytes;
    this.#peak = Math.max(this.#peak, this.#total);
  }

  #end({ extent, dtype, bytes }: Lease): void {
    this.#allocator.free(extent);
    this.#count(dtype, -bytes);
  }

  #exhausted(what: string, bytes: number): TensorError {
    const live = Object.entries(this.report().byDType).map(([dtype, held]) => `${dtype}: ${inMiB(held)}`);
    return new TensorError(
      'out-of-memory',
      `wasm: no room for ${what}, ${inMiB(bytes)} more, within ${inMiB(this.linear.maximumBytes)}; live are ${inMiB(this.#total)} (${live.join(', ')}). Run each step in scope(), dispose of tensors that are not needed, or use a smaller batch.`,
    );
  }
}

function inMiB(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
