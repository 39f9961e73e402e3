import { defaultGenerator, type Generator, showSpec, type Tensor, TensorError } from '@halfgrad/core';
import {
  type GroupInput,
  groupsOf,
  type NamedTensor,
  nameParams,
  type ParamGroup,
  type ParamsInput,
} from './param-groups.ts';
import { requireUnscaled } from './require-unscaled.ts';
import {
  type CompensatedState,
  checkRounding,
  createCompensation,
  needsCompensation,
  type RoundingOptions,
  updateRounded,
} from './rounding.ts';
import { type OptimizerStateDict, restoreState, saveState } from './state-dict.ts';

/** What an optimizer remembers of one parameter. */
export type ParamState = Readonly<Record<string, Tensor>>;

/** The options of an optimizer, and the generator that stochastic rounding draws from. */
export type OptimizerOptions<O> = Partial<O> & { readonly generator?: Generator };

export interface StepOptions {
  /** A tensor of one element; if it is not zero, the step changes nothing at all, and nobody waits to find out. */
  readonly foundInf?: Tensor | undefined;
}

/** One parameter's share of a step. */
export interface ParamStep<O, S> {
  /** The parameter, or a float32 copy of a 16-bit one that is rounded in another way than to nearest. */
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
export abstract class Optimizer<O extends RoundingOptions, S extends ParamState> {
  readonly state: Map<Tensor, S & CompensatedState> = new Map();
  readonly #groups: [ParamGroup<O>, ...ParamGroup<O>[]];
  readonly #defaults: O;
  readonly #generator: Generator;
  readonly #names: Map<Tensor, string> = new Map();

  /** @throws TensorError `invalid-argument` for no parameters, one given twice, one computed by an op, or bad options. */
  constructor(
    params: ParamsInput<O>,
    { generator = defaultGenerator, ...defaults }: O & { readonly generator?: Generator },
  ) {
    this.#defaults = defaults as unknown as O;
    this.#generator = generator;
    const [first, ...others] = groupsOf(params).map((group) => this.#createGroup(group));
    if (!first) throw new TensorError('invalid-argument', `${this.constructor.name}: there are no parameters`);
    this.#groups = [first, ...others];
  }

  /** Assign to the options of a group to change them: `optimizer.paramGroups[0].lr = 0.01`. */
  get paramGroups(): readonly [ParamGroup<O>, ...ParamGroup<O>[]] {
    return this.#groups;
  }

  /**
   * Adds parameters, such as those of layers that are no longer frozen, with the options given and the defaults for others.
   *
   * @throws TensorError `invalid-argument` as the constructor does; then nothing changed.
   */
  addParamGroup(group: GroupInput<O>): void {
    this.#groups.push(this.#createGroup(group));
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

  /**
   * Updates every parameter that has a gradient.
   *
   * @throws TensorError `scaled-gradients` when one still carries a loss scale; then nothing changed.
   */
  step({ foundInf }: StepOptions = {}): void {
    const fix = 'Call scaler.step(optimizer), or scaler.unscale(optimizer) first.';
    requireUnscaled('optimizer.step', this.namedParameters(), fix);
    for (const options of this.paramGroups) {
      for (const param of options.params) {
        if (param.grad) this.#updateParam(param, param.grad, options, foundInf);
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
    return saveState(this.#groups, this.state);
  }

  /**
   * Continues where another optimizer of this kind was, also one of PyTorch. Parameters are told apart by their order.
   *
   * @throws TensorError `invalid-argument` when the state does not fit; then nothing changed.
   */
  loadStateDict(saved: OptimizerStateDict): void {
    const restored = restoreState(this.constructor.name, saved, this.#groups, {
      nameOf: (param) => this.parameterName(param),
      create: (param, options) => this.#createState(param, options),
      complete: (state, param, options) => ({ ...createCompensation(param, options), ...this.completeState(state) }),
    });
    for (const { options } of restored) this.#check(options);
    this.state.clear();
    restored.forEach(({ options, states }, i) => {
      Object.assign(this.#groups[i] as ParamGroup<O>, options);
      for (const [param, state] of states) this.state.set(param, state);
    });
  }

  #createGroup({ params, ...options }: GroupInput<O>): ParamGroup<O> {
    const names = nameParams(this.constructor.name, this.#names, params);
    const group: ParamGroup<O> = {
      ...this.#defaults,
      ...(options as unknown as Partial<O>),
      params: [...names.keys()],
    };
    this.#check(group);
    for (const [tensor, name] of names) this.#names.set(tensor, name);
    return group;
  }

  #check(group: ParamGroup<O>): void {
    checkRounding(this.constructor.name, group);
    this.check(group);
  }

  #updateParam(param: Tensor, grad: Tensor, options: ParamGroup<O>, foundInf: Tensor | undefined): void {
    const { compensation, ...rest } = this.#stateOf(param, options);
    const state = rest as unknown as S;
    const target = { param, rounding: options.rounding, compensation, foundInf, generator: this.#generator };
    updateRounded(target, (wide) => this.update({ param: wide, grad, options, state, foundInf }));
  }

  #stateOf(param: Tensor, options: O): S & CompensatedState {
    const existing = this.state.get(param);
    if (existing && (existing.compensation || !needsCompensation(param, options))) return existing;
    const created = { ...this.#createState(param, options), ...existing };
    // Nothing to remember now, but perhaps later: a schedule may switch momentum on.
    if (Object.keys(created).length > 0) this.state.set(param, created);
    return created;
  }

  #createState(param: Tensor, options: O): S & CompensatedState {
    const created = { ...this.createState(param, options), ...createCompensation(param, options) };
    for (const tensor of Object.values<Tensor>(created)) tensor.keep();
    return created;
  }
}
