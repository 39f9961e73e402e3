import type { DType, MemoryReport } from '@halfgrad/core';

/** What a block occupies. */
interface Extent {
  readonly dtype: DType;
  readonly bytes: number;
}

/** Counts the bytes of blocks from their allocation until they are freed or collected, whichever comes first. */
export interface Ledger {
  allocate(block: object, extent: Extent): void;
  free(block: object, extent: Extent): void;
  report(): MemoryReport;
}

export function createLedger(): Ledger {
  const live = new Map<DType, number>();
  let total = 0;
  let peak = 0;
  const change = (dtype: DType, bytes: number): void => {
    live.set(dtype, (live.get(dtype) ?? 0) + bytes);
    total += bytes;
    peak = Math.max(peak, total);
  };
  const collected = new FinalizationRegistry<Extent>(({ dtype, bytes }) => change(dtype, -bytes));
  return {
    allocate(block, extent) {
      change(extent.dtype, extent.bytes);
      collected.register(block, extent, block);
    },
    free(block, { dtype, bytes }) {
      if (collected.unregister(block)) change(dtype, -bytes);
    },
    report: () => ({
      liveBytes: total,
      peakBytes: peak,
      byDType: Object.fromEntries([...live].filter(([, bytes]) => bytes > 0)),
    }),
  };
}
