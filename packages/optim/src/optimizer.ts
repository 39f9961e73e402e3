import { showSpec, type Tensor, TensorError } from '@halfgrad/core';
import { type OptimizerStateDict, restoreState, saveState } from './state-dict.ts';

/** A parameter with the name that errors and reports give it, as `module.namedParameters()` yields. */
export type NamedTensor = readonly [name: string, tensor: Tensor];

/** Parameters with options of their own, in place of the optimizer's. */
export type GroupInput<O> = Partial<O> & { readonly params: Iterable<Tensor | NamedTensor> };

/** What optimizers are made from: parameters, named parameters, or groups of either. */
export type ParamsInput<O> = Iterable<Tensor | NamedTensor | GroupInput<O>>;

/** Parameters that share options, which a schedule may change between steps. */
export type ParamGroup<O> = O & { readonly params: readonly Tensor[] };

/** What an optimizer remembers of one parameter. */
export type ParamState = Readonly<Record<string, Tensor>>;

export interface StepOptions {
  /** A tensor of one element; if it is not zero, the step changes nothing at all, and nobody waits to find out. */
  readonly foundInf?: Tensor | undefined;
}

/** One parameter's share of a step. */
export interface ParamStep<O, S> {
  readonly param: Tensor;
  readonly grad: Tensor;
  readonly options: ParamGroup<O>;
  readonly state: S;
  readonly foundInf: Tensor | undefined;
}

/**
 * Updates parameters from their gradients (`torch.optim.Optimizer`).
 *
 * State is made on the parameter's device and in its dtype when the parameter first has a gradient.
 */
export abstract class Optimizer<O extends object, S extends ParamState> {
  /** Assign to the options of a group to change them: `optimizer.paramGroups[0].lr = 0.01`. */
  readonly paramGroups: readonly [ParamGroup<O>, ...ParamGroup<O>[]];
  readonly state: Map<Tensor, S> = new Map();
  readonly #names: ReadonlyMap<Tensor, string>;

  /** @throws TensorError `invalid-argument` for no parameters, one given twice, one computed by an op, or bad options. */
  constructor(params: ParamsInput<O>, defaults: O) {
    const entries = groupEntries(params);
    const owner = this.constructor.name;
    this.#names = checkedNames(
      owner,
      entries.flatMap(({ params }) => params),
    );
    const [first, ...others] = entries.map(
      ({ params, options }): ParamGroup<O> => ({ ...defaults, ...options, params: params.map(({ tensor }) => tensor) }),
    );
    if (!first) throw new TensorError('invalid-argument', `${owner}: there are no parameters`);
    this.paramGroups = [first, ...others];
    for (const group of this.paramGroups) this.check(group);
  }

  /** @throws TensorError `invalid-argument` for options that make no sense. */
  protected abstract check(options: O): void;

  /** The state before the first step. */
  protected abstract createState(param: Tensor, options: O): S;

  /** Changes `param` and its state in place, unless `foundInf` is set. */
  protected abstract update(step: ParamStep<O, S>): void;

  /** Fills in what PyTorch's state of a parameter lacks. */
  protected completeState(saved: ParamState): ParamState {
    return saved;
  }

  /** Updates every parameter that has a gradient. */
  step({ foundInf }: StepOptions = {}): void {
    for (const options of this.paramGroups) {
      for (const param of options.params) {
        const { grad } = param;
        if (grad) this.update({ param, grad, options, state: this.#stateOf(param, options), foundInf });
      }
    }
  }

  /** Forgets the gradients of all parameters and gives their memory back: `clone` one to keep it. */
  zeroGrad(): void {
    for (const [, param] of this.namedParameters()) {
      param.grad?.dispose();
      param.grad = undefined;
    }
  }

  /** All parameters, in order; those that came without a name are numbered. */
  namedParameters(): NamedTensor[] {
    return Array.from(this.#names, ([tensor, name]) => [name, tensor]);
  }

  /** @throws TensorError `invalid-argument` for a tensor that this optimizer does not update. */
  parameterName(param: Tensor): string {
    const name = this.#names.get(param);
    if (name !== undefined) return name;
    const owner = this.constructor.name;
    throw new TensorError('invalid-argument', `${owner}: ${showSpec(param)} is none of its parameters`);
  }

  /** Options and state as they are now, in the shape and under the names of PyTorch's optimizers. */
  stateDict(): OptimizerStateDict {
    return saveState(this.paramGroups, this.state);
  }

  /**
   * Continues where another optimizer of this kind was, also one of PyTorch. Parameters are told apart by their order.
   *
   * @throws TensorError `invalid-argument` when the state does not fit; then nothing changed.
   */
  loadStateDict(saved: OptimizerStateDict): void {
    const restored = restoreState(this.constructor.name, saved, this.paramGroups, {
      nameOf: (param) => this.parameterName(param),
      create: (param, options) => kept(this.createState(param, options)),
      complete: (state) => this.completeState(state),
    });
    for (const { options } of restored) this.check(options);
    this.state.clear();
    restored.forEach(({ options, states }, i) => {
      Object.assign(this.paramGroups[i] as ParamGroup<O>, options);
      for (const [param, state] of states) this.state.set(param, state);
    });
  }

  #stateOf(param: Tensor, options: O): S {
    const existing = this.state.get(param);
    if (existing) return existing;
    const created = kept(this.createState(param, options));
    // Nothing to remember now, but perhaps later: a schedule may switch momentum on.
    if (Object.keys(created).length > 0) this.state.set(param, created);
    return created;
  }
}

interface Entry {
  readonly name: string | undefined;
  readonly tensor: Tensor;
}

interface GroupEntries<O> {
  readonly params: readonly Entry[];
  readonly options: Partial<O>;
}

/** Parameters given without a group form the first one. */
function groupEntries<O extends object>(input: ParamsInput<O>): GroupEntries<O>[] {
  const loose: Entry[] = [];
  const groups: GroupEntries<O>[] = [];
  for (const item of input) {
    if (isGroup(item)) {
      const { params, ...options } = item;
      groups.push({ params: Array.from(params, entryOf), options: options as unknown as Partial<O> });
    } else {
      loose.push(entryOf(item));
    }
  }
  return loose.length > 0 ? [{ params: loose, options: {} }, ...groups] : groups;
}

function isGroup<O>(item: Tensor | NamedTensor | GroupInput<O>): item is GroupInput<O> {
  return 'params' in item;
}

function entryOf(item: Tensor | NamedTensor): Entry {
  return isNamed(item) ? { name: item[0], tensor: item[1] } : { name: undefined, tensor: item };
}

function isNamed(item: Tensor | NamedTensor): item is NamedTensor {
  return Array.isArray(item);
}

function checkedNames(owner: string, entries: readonly Entry[]): Map<Tensor, string> {
  const names = new Map<Tensor, string>();
  entries.forEach(({ name = `parameter ${names.size}`, tensor }) => {
    if (names.has(tensor)) {
      throw new TensorError('invalid-argument', `${owner}: "${name}" (${showSpec(tensor)}) appears twice`);
    }
    if (!tensor.isLeaf) {
      throw new TensorError(
        'invalid-argument',
        `${owner}: "${name}" (${showSpec(tensor)}) was computed by an op. Only leaves can be optimised.`,
      );
    }
    names.set(tensor, name);
  });
  return names;
}

function kept<S extends ParamState>(state: S): S {
  for (const tensor of Object.values(state)) tensor.keep();
  return state;
}
