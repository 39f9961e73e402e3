import { finfo } from '@halfgrad/core';
import { readJson } from '@halfgrad/testing';
import { expectEqual } from '../compare.ts';
import { requireDType } from '../formats/codes.ts';
import type { Suite } from '../suite.ts';

/** PyTorch's, and those of ml_dtypes, which also know the smallest number above zero. */
type Limits = Readonly<
  Record<'bits' | 'eps' | 'max' | 'min' | 'resolution' | 'smallest_normal' | 'smallest_subnormal', number | undefined>
>;

const file = 'golden/finfo.json';

export const limits: Suite = {
  name: 'finfo',
  source: 'torch.finfo and ml_dtypes.finfo',
  tolerance: 'exact',
  files: [file],
  cases() {
    const golden = readJson<Readonly<Record<'torch' | 'ml_dtypes', Readonly<Record<string, Limits>>>>>(file);
    return (['torch', 'ml_dtypes'] as const).flatMap((source) =>
      Object.entries(golden[source]).map(([format, recorded]) => ({
        name: `${source} ${format}`,
        run: () => check(format, recorded),
      })),
    );
  },
};

function check(format: string, recorded: Limits): never[] {
  const { bits, eps, max, min, resolution, smallestNormal, smallestSubnormal } = finfo(requireDType(format));
  const ours: Limits = {
    bits,
    eps,
    max,
    min,
    resolution,
    smallest_normal: smallestNormal,
    smallest_subnormal: smallestSubnormal,
  };
  for (const name of Object.keys(ours) as (keyof Limits)[]) {
    if (recorded[name] !== undefined) expectEqual(name, ours[name], recorded[name]);
  }
  return [];
}
