import { stridesOf } from '@halfgrad/core';

/** A loop over all elements of a result, and by how much each operand moves along each of its dimensions. */
export interface Walk {
  readonly sizes: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/** Strides that read a tensor of shape `from` as if it had shape `to`: 0 where it is repeated. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const own = stridesOf(from);
  const added = to.length - from.length;
  return to.map((_, dim) => (dim < added || from[dim - added] === 1 ? 0 : own[dim - added]!));
}

/** The same walk in fewer dimensions: without those of size 1, and with neighbours joined where every operand allows. */
export function mergeDims({ sizes, strides }: Walk): Walk {
  const merged: { size: number; steps: number[] }[] = [];
  sizes.forEach((size, dim) => {
    if (size === 1) return;
    const steps = strides.map((list) => list[dim]!);
    const last = merged.at(-1);
    if (last && steps.every((step, k) => last.steps[k] === step * size)) {
      merged[merged.length - 1] = { size: last.size * size, steps };
    } else {
      merged.push({ size, steps });
    }
  });
  return {
    sizes: merged.map(({ size }) => size),
    strides: strides.map((_, k) => merged.map(({ steps }) => steps[k]!)),
  };
}
