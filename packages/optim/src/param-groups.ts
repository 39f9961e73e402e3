import { showSpec, type Tensor, TensorError } from '@halfgrad/core';

/** A parameter with the name that errors and reports give it, as `module.namedParameters()` yields. */
export type NamedTensor = readonly [name: string, tensor: Tensor];

/** Parameters with options of their own, in place of the optimizer's. */
export type GroupInput<O> = Partial<O> & { readonly params: Iterable<Tensor | NamedTensor> };

/** What optimizers are made from: parameters, named parameters, or groups of either. */
export type ParamsInput<O> = Iterable<Tensor | NamedTensor | GroupInput<O>>;

/** Parameters that share options, which a schedule may change between steps. */
export type ParamGroup<O> = O & { readonly params: readonly Tensor[] };

/** Parameters given without a group form the first one. */
export function groupsOf<O extends object>(input: ParamsInput<O>): GroupInput<O>[] {
  const loose: (Tensor | NamedTensor)[] = [];
  const groups: GroupInput<O>[] = [];
  for (const item of input) {
    if (isGroup(item)) groups.push(item);
    else loose.push(item);
  }
  return loose.length > 0 ? [{ params: loose } as unknown as GroupInput<O>, ...groups] : groups;
}

/**
 * Names for parameters that join those `taken`; the ones that come without are numbered.
 *
 * @throws TensorError `invalid-argument` for one that is there already or was computed by an op.
 */
export function nameParams(
  owner: string,
  taken: ReadonlyMap<Tensor, string>,
  params: Iterable<Tensor | NamedTensor>,
): Map<Tensor, string> {
  const names = new Map<Tensor, string>();
  for (const item of params) {
    const [name, tensor] = isNamed(item) ? item : [`parameter ${taken.size + names.size}`, item];
    if (taken.has(tensor) || names.has(tensor)) {
      throw new TensorError('invalid-argument', `${owner}: "${name}" (${showSpec(tensor)}) appears twice`);
    }
    if (!tensor.isLeaf) {
      throw new TensorError(
        'invalid-argument',
        `${owner}: "${name}" (${showSpec(tensor)}) was computed by an op. Only leaves can be optimised.`,
      );
    }
    names.set(tensor, name);
  }
  return names;
}

function isGroup<O>(item: Tensor | NamedTensor | GroupInput<O>): item is GroupInput<O> {
  return 'params' in item;
}

function isNamed(item: Tensor | NamedTensor): item is NamedTensor {
  return Array.isArray(item);
}
