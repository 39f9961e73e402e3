import { grad, isFloat, leaves, mapLeaves, sum, type Tensor, type Tree } from '@halfgrad/core';
import type { AnySample } from '../arbitraries/op-sample.ts';
import { call, type Reading, read, type Subject } from './subject.ts';
import { fresh } from './variants.ts';

/** The op as a function of all its tensors; those with a derivative require a gradient. */
export function asFunction(
  { device, op }: Subject,
  sample: AnySample,
): { fn: (...all: Tensor[]) => Tensor; inputs: Tensor[] } {
  const tensors = mapLeaves(sample.inputs, (tensor) => fresh(device, tensor));
  for (const [name, branch] of Object.entries(tensors as Record<string, Tree<Tensor>>)) {
    if (sample.constants.includes(name)) continue;
    for (const tensor of leaves(branch)) tensor.requiresGrad = isFloat(tensor.dtype);
  }
  const fn = (...all: Tensor[]): Tensor => {
    let next = 0;
    const result = call(
      op,
      mapLeaves(tensors, () => all[next++] as Tensor),
      sample.attrs,
    );
    // The one differentiable member of a record comes first.
    return leaves(result)[0] as Tensor;
  };
  return { fn, inputs: leaves(tensors) };
}

/** Whether finite differences can say anything: a result in float64, and nowhere the NaN of a mean of no elements. */
export async function isSmooth(out: Tensor): Promise<boolean> {
  return out.dtype === 'float64' && Array.from(await out.data()).every(Number.isFinite);
}

/** The gradients of the sum of the result, for the inputs that have one. */
export async function gradientsOf(subject: Subject, sample: AnySample): Promise<Reading[]> {
  const { fn, inputs } = asFunction(subject, sample);
  const wanted = inputs.filter(({ requiresGrad }) => requiresGrad);
  const found = grad(sum(fn(...inputs)), wanted, { allowUnused: true });
  return read(found.filter((gradient) => gradient !== undefined));
}
