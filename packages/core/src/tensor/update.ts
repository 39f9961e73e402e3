import { type UpdateAttrs, type UpdateInputs, type UpdateName, updateShapes, updateTargets } from '../ops/updates.ts';
import { argumentError, TensorError } from '../spec/errors.ts';
import { sameShape } from '../spec/shape.ts';
import { leaves, mapLeaves, showSpec, type Tree } from '../spec/spec.ts';
import type { Storage } from './device.ts';
import { commonDevice } from './execute.ts';
import type { Tensor } from './tensor.ts';

type UpdateArgs<K extends UpdateName> =
  undefined extends UpdateAttrs<K>
    ? [inputs: UpdateInputs<K, Tensor>]
    : [inputs: UpdateInputs<K, Tensor>, attrs: UpdateAttrs<K>];

/**
 * Changes tensors in place, and raises the version of every one that is written to.
 *
 * @throws TensorError `invalid-argument` when a target is the result of a recorded op: only leaves change in place.
 *   `shape-mismatch` when tensors that belong together differ in shape.
 */
export function update<K extends UpdateName>(name: K, ...[inputs, attrs]: UpdateArgs<K>): void {
  const device = commonDevice(name, leaves(inputs as Tree<Tensor>));
  const named = inputs as Readonly<Record<string, Tree<Tensor>>>;
  const targets = (updateTargets[name] as readonly string[]).flatMap((target) => leaves<Tensor>(named[target]));
  const computed = targets.find(({ isLeaf }) => !isLeaf);
  if (computed) {
    throw new TensorError(
      'invalid-argument',
      `${name}: ${showSpec(computed)} was computed by an op and cannot change in place. Use detach().`,
    );
  }
  requireOneShape(name, named);
  const kernel = device.updates[name] as (inputs: Tree<Storage>, attrs: unknown) => void;
  kernel(
    mapLeaves(inputs as Tree<Tensor>, (tensor) => tensor.storage),
    attrs,
  );
  for (const { storage } of targets) storage.block.version++;
}

function requireOneShape(name: UpdateName, inputs: Readonly<Record<string, Tree<Tensor>>>): void {
  const alike = (updateShapes[name] as readonly string[]).flatMap((input) => leaves<Tensor>(inputs[input]));
  const [first] = alike;
  if (first && alike.some(({ shape }) => !sameShape(shape, first.shape))) {
    const args = Object.fromEntries(
      (updateShapes[name] as readonly string[]).map((input) => [input, inputs[input] as Tensor]),
    );
    throw argumentError('shape-mismatch', name, 'shapes differ', args);
  }
}
