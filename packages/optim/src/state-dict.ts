import { clone, sameShape, type Tensor, TensorError, torchName, update } from '@halfgrad/core';
import type { ParamState } from './optimizer.ts';
import type { ParamGroup } from './param-groups.ts';

/** The options of a group under PyTorch's names, and the numbers of its parameters. */
export interface SavedGroup {
  readonly params: readonly number[];
  readonly [option: string]: unknown;
}

/** What `torch.optim.Optimizer.state_dict()` holds: state by the number of the parameter, and the groups. */
export interface OptimizerStateDict {
  readonly state: Readonly<Record<number, ParamState>>;
  readonly param_groups: readonly SavedGroup[];
}

/** How an optimizer of some kind makes the state of a parameter. */
export interface StateFactory<O, S> {
  nameOf(param: Tensor): string;
  create(param: Tensor, options: O): S;
  /** Fills in what a foreign state lacks. */
  complete(saved: ParamState, param: Tensor, options: O): ParamState;
}

/** A group as it was saved: options, and the state of each parameter that had one. */
export interface RestoredGroup<O, S> {
  readonly options: ParamGroup<O>;
  readonly states: readonly (readonly [param: Tensor, state: S])[];
}

export function saveState<O extends object>(
  groups: readonly ParamGroup<O>[],
  states: ReadonlyMap<Tensor, ParamState>,
): OptimizerStateDict {
  const numbers = new Map(groups.flatMap(({ params }) => params).map((param, i) => [param, i]));
  const state: Record<number, ParamState> = {};
  for (const [param, i] of numbers) {
    const entries = states.get(param);
    if (!entries) continue;
    state[i] = Object.fromEntries(
      Object.entries(entries).map(([name, tensor]) => [torchName(name), clone(tensor.detach())]),
    );
  }
  const param_groups = groups.map(
    ({ params, ...options }): SavedGroup => ({
      ...Object.fromEntries(Object.entries(options).map(([name, value]) => [torchName(name), value])),
      params: params.map((param) => numbers.get(param) as number),
    }),
  );
  return { state, param_groups };
}

/**
 * The options and states that `saved` describes for `groups`, in new tensors.
 *
 * @throws TensorError `invalid-argument` when groups, parameters or shapes do not correspond.
 */
export function restoreState<O extends object, S extends ParamState>(
  owner: string,
  saved: OptimizerStateDict,
  groups: readonly ParamGroup<O>[],
  factory: StateFactory<O, S>,
): RestoredGroup<O, S>[] {
  const sizes = groups.map(({ params }) => params.length);
  const savedSizes = saved.param_groups.map(({ params }) => params.length);
  if (sizes.join() !== savedSizes.join()) {
    throw mismatch(owner, `it has groups of [${savedSizes}] parameters, this optimizer has [${sizes}]`);
  }
  return groups.map((group, g) => {
    const savedGroup = saved.param_groups[g] as SavedGroup;
    const options = restoreOptions(group, savedGroup);
    const states = group.params.flatMap((param, i): [Tensor, S][] => {
      const entries = saved.state[savedGroup.params[i] as number];
      if (!entries) return [];
      const state = factory.create(param, options);
      fillState(owner, factory.nameOf(param), state, factory.complete(entries, param, options));
      return [[param, state]];
    });
    return { options, states };
  });
}

/** The options that this optimizer knows, as they were saved. */
function restoreOptions<O extends object>(group: ParamGroup<O>, saved: SavedGroup): ParamGroup<O> {
  const { params, ...options } = group;
  const restored = Object.entries(options).map(([name, value]) => [name, saved[torchName(name)] ?? value]);
  return { ...group, ...Object.fromEntries(restored) };
}

function fillState(owner: string, param: string, state: ParamState, saved: ParamState): void {
  for (const [name, target] of Object.entries(state)) {
    const key = torchName(name);
    const source = saved[key];
    if (!source) throw mismatch(owner, `"${param}" has no ${key}`);
    if (!sameShape(source.shape, target.shape)) {
      throw mismatch(owner, `${key} of "${param}" is [${source.shape}], should be [${target.shape}]`);
    }
    update('assign', { target, source: source.detach().to(target.device) });
  }
}

function mismatch(owner: string, problem: string): TensorError {
  return new TensorError('invalid-argument', `loadStateDict: the state does not fit this ${owner}: ${problem}.`);
}
