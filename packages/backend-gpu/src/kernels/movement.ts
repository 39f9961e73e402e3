import { stridesOf } from '@halfgrad/core';
import type { Runtime } from '../runtime.ts';
import type { Attempts } from './attempt.ts';
import { concatenate } from './concat.ts';
import { copyAlong } from './copy.ts';
import { broadcastStrides } from './layout.ts';
import { padded } from './pad.ts';

export function movementOps(runtime: Runtime): Attempts {
  return {
    reshape: ({ x }, _, { shape }) => ({ shape, dtype: x.dtype, isNumber: undefined, block: x.block }),
    permute({ x }, { dims }, out) {
      const strides = stridesOf(x.shape);
      return copyAlong(runtime, x, { sizes: out.shape, strides: [dims.map((dim) => strides[dim]!)] }, 0, out);
    },
    expand({ x }, _, out) {
      return copyAlong(runtime, x, { sizes: out.shape, strides: [broadcastStrides(x.shape, out.shape)] }, 0, out);
    },
    slice({ x }, { slices }, out) {
      const strides = stridesOf(x.shape);
      const start = slices.reduce((at, range, dim) => at + range.start * strides[dim]!, 0);
      const steps = slices.map(({ step }, dim) => step * strides[dim]!);
      return copyAlong(runtime, x, { sizes: out.shape, strides: [steps] }, start, out);
    },
    flip({ x }, { dims }, out) {
      const strides = stridesOf(x.shape);
      const last = (dim: number): number => (x.shape[dim]! - 1) * strides[dim]!;
      const start = dims.reduce((at, dim) => at + last(dim), 0);
      const steps = strides.map((stride, dim) => (dims.includes(dim) ? -stride : stride));
      return copyAlong(runtime, x, { sizes: out.shape, strides: [steps] }, start, out);
    },
    pad: ({ x }, { padding, value }, out) => padded(runtime, x, padding, value, out),
    concat: ({ tensors }, { dim }, out) => concatenate(runtime, tensors, dim, out),
  };
}
