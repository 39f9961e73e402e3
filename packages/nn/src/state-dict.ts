import { argumentError, clone, sameShape, showSpec, type Tensor, TensorError, update } from '@halfgrad/core';

/** Parameters and buffers under PyTorch's key names. */
export type StateDict = Readonly<Record<string, Tensor>>;

export interface LoadOptions {
  /** Whether missing and unexpected keys are errors; shapes must fit in any case. */
  readonly strict?: boolean;
}

/** The keys that had no counterpart, which only `strict: false` lets pass. */
export interface LoadReport {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
}

/** The values of `tensors`; a tensor of several names is copied once. */
export function collectState(tensors: Iterable<readonly [name: string, tensor: Tensor]>): StateDict {
  const copies = new Map<Tensor, Tensor>();
  const state: Record<string, Tensor> = {};
  for (const [name, tensor] of tensors) {
    const copy = copies.get(tensor) ?? clone(tensor.detach());
    copies.set(tensor, copy);
    state[name] = copy;
  }
  return state;
}

/** Assigns `state` to the tensors of the same names, each cast to the dtype it has there, or throws and changes nothing. */
export function assignState(
  owner: string,
  tensors: Iterable<readonly [name: string, tensor: Tensor]>,
  state: StateDict,
  { strict = true }: LoadOptions = {},
): LoadReport {
  const targets = new Map(tensors);
  const missing = [...targets.keys()].filter((name) => !Object.hasOwn(state, name));
  const unexpected = Object.keys(state).filter((name) => !targets.has(name));
  const pairs = Object.entries(state).flatMap(([name, source]) => {
    const target = targets.get(name);
    return target ? [{ name, source, target }] : [];
  });
  const misshapen = pairs.filter(({ source, target }) => !sameShape(source.shape, target.shape));
  const problems = [
    ...(strict ? missing.map((name) => `missing "${name}" (${showSpec(targets.get(name) as Tensor)})`) : []),
    ...(strict ? unexpected.map((name) => `unexpected "${name}" (${showSpec(state[name] as Tensor)})`) : []),
    ...misshapen.map(
      ({ name, source, target }) => `"${name}" is [${source.shape.join(',')}], should be [${target.shape.join(',')}]`,
    ),
  ];
  if (problems.length > 0) {
    const fix = misshapen.length > 0 ? '' : ' Pass { strict: false } to load the keys that match.';
    throw new TensorError(
      'invalid-argument',
      `loadStateDict: the state does not fit ${owner}: ${problems.join('; ')}.${fix}`,
    );
  }
  // Everything that can fail happens before the first assignment.
  const moved = pairs.map(({ name, source, target }) => ({ target, source: onDevice(name, source, target) }));
  for (const pair of moved) update('assign', pair);
  return { missing, unexpected };
}

function onDevice(name: string, source: Tensor, { device }: Tensor): Tensor {
  if (source.isDisposed) throw argumentError('disposed', 'loadStateDict', 'was disposed of', { [name]: source });
  return source.detach().to(device);
}
