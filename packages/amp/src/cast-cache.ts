import type { GradSlot, HalfDType, Tensor } from '@halfgrad/core';

interface Entry {
  readonly version: number;
  readonly copy: Tensor;
}

/**
 * The 16-bit copies of the parameters used in a region, one per parameter and dtype.
 *
 * An entry counts only as long as its parameter has not been changed in place, and lives as long as the outermost region
 * that made the cache (AMP.md A8.2; A8.6.1–3, where PyTorch goes wrong).
 */
export class CastCache {
  #entries: { readonly [D in HalfDType]: WeakMap<GradSlot, Entry> } = {
    float16: new WeakMap(),
    bfloat16: new WeakMap(),
  };

  clear(): void {
    this.#entries = { float16: new WeakMap(), bfloat16: new WeakMap() };
  }

  get(x: Tensor, dtype: HalfDType, create: () => Tensor): Tensor {
    const entries = this.#entries[dtype];
    const found = entries.get(x.slot);
    if (found && found.version === x.version && !found.copy.isDisposed) return found.copy;
    const copy = create();
    entries.set(x.slot, { version: x.version, copy });
    return copy;
  }
}
