import { type DType, type HostData, type HostDataOf, TensorError } from '@halfgrad/core';
import type { Memory, WebAssemblyApi } from './encoder/webassembly.ts';

const pageBytes = 2 ** 16;

/** One page less than 32-bit addresses reach, so that no address behind a block wraps around to 0. */
const addressablePages: number = 2 ** 16 - 1;

/** A WebAssembly memory that grows on demand, and typed arrays over it. */
export class LinearMemory {
  readonly memory: Memory;
  readonly maximumPages: number;
  #pages: number;
  /** Growth detaches the buffer. Only `reserve` grows, so this is refreshed there and nowhere else. */
  #buffer: ArrayBuffer;

  constructor(api: WebAssemblyApi, maximumBytes: number) {
    this.maximumPages = Math.min(Math.ceil(maximumBytes / pageBytes), addressablePages);
    this.#pages = 1;
    this.memory = createMemory(api, this.#pages, this.maximumPages);
    this.#buffer = this.memory.buffer;
  }

  get maximumBytes(): number {
    return this.maximumPages * pageBytes;
  }

  /** Makes the addresses below `end` usable, if the maximum and the host allow it. */
  reserve(end: number): boolean {
    const needed = Math.ceil(end / pageBytes);
    if (needed <= this.#pages) return true;
    if (needed > this.maximumPages) return false;
    // Growth by half keeps the number of growths logarithmic; the host may only have room for what is needed.
    const generous = Math.min(Math.ceil(this.#pages * 1.5), this.maximumPages);
    return (generous > needed && this.#grow(generous)) || this.#grow(needed);
  }

  /** The elements at `pointer`, without a copy. Valid until the next allocation. */
  view<D extends DType>(dtype: D, pointer: number, length: number): HostDataOf[D];
  view(dtype: DType, pointer: number, length: number): HostData {
    return viewMakers[dtype](this.#buffer, pointer, length);
  }

  /** Copies `bytes` bytes. */
  copy(from: number, to: number, bytes: number): void {
    new Uint8Array(this.#buffer).copyWithin(to, from, from + bytes);
  }

  #grow(pages: number): boolean {
    try {
      this.memory.grow(pages - this.#pages);
    } catch {
      return false;
    }
    this.#pages = pages;
    this.#buffer = this.memory.buffer;
    return true;
  }
}

function createMemory({ Memory }: WebAssemblyApi, initial: number, maximum: number): Memory {
  try {
    return new Memory({ initial, maximum, shared: false });
  } catch (cause) {
    throw new TensorError(
      'out-of-memory',
      `wasm: the host refuses a memory that may grow to ${maximum * pageBytes} bytes. Use createWasmDevice({ maximumBytes }) with less.`,
      { cause },
    );
  }
}

const viewMakers: { readonly [D in DType]: (buffer: ArrayBuffer, pointer: number, length: number) => HostData } = {
  bool: (...extent) => new Uint8Array(...extent),
  uint8: (...extent) => new Uint8Array(...extent),
  int32: (...extent) => new Int32Array(...extent),
  float8_e4m3fn: (...extent) => new Uint8Array(...extent),
  float8_e5m2: (...extent) => new Uint8Array(...extent),
  float16: (...extent) => new Uint16Array(...extent),
  bfloat16: (...extent) => new Uint16Array(...extent),
  float32: (...extent) => new Float32Array(...extent),
  float64: (...extent) => new Float64Array(...extent),
};
