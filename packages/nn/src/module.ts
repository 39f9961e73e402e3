import { type Device, type DType, isFloat, Tensor, TensorError, torchName } from '@halfgrad/core';
import { type ForwardHook, type ForwardPreHook, hooksOf } from './hooks.ts';
import { Buffer, Parameter } from './parameter.ts';
import { showModule } from './show-module.ts';
import { assignState, collectState, type LoadOptions, type LoadReport, type StateDict } from './state-dict.ts';

/** A module of whatever inputs and output, for code that only looks at its tensors and children. */
export type AnyModule = Module<readonly unknown[], unknown>;

export interface ToOptions {
  /** Modules whose own tensors stay as they are, such as batch norms in a half copy of a model (AMP.md E4). */
  readonly except?: (module: AnyModule) => boolean;
}

/**
 * A part of a network: a function with state (`torch.nn.Module`).
 *
 * What it consists of are its fields: a `Parameter`, a `Buffer`, another module, or arrays and plain objects of those.
 * Key names are PyTorch's: fields in snake case, joined by dots, with the index for arrays (`layers.0.running_mean`).
 * A tensor that several fields share is one parameter with several keys.
 *
 *     class Net extends Module {
 *       readonly hidden = new Linear(784, 128);
 *       readonly out = new Linear(128, 10);
 *
 *       forward(x: Tensor): Tensor {
 *         return this.out.forward(relu(this.hidden.forward(x)));
 *       }
 *     }
 */
export abstract class Module<Inputs extends readonly unknown[] = [x: Tensor], Output = Tensor> {
  static {
    // console.log in Node prints modules as toString does.
    Object.defineProperty(Module.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: AnyModule) {
        return this.toString();
      },
    });
  }

  /** Whether dropout drops and batch norm uses its batch; set it with `train()` and `eval()`. */
  training: boolean = true;

  abstract forward(...inputs: Inputs): Output;

  /**
   * Calls `hook` with the inputs before every `forward`; what it returns, if anything, replaces them. Returns the way to
   * remove it. Copies of a module have no hooks.
   */
  registerForwardPreHook(hook: ForwardPreHook<Inputs>): () => void {
    const { before } = hooksOf(this);
    before.add(hook);
    return () => before.delete(hook);
  }

  /**
   * Calls `hook` with the inputs and the output after every `forward`; what it returns, if anything, replaces the output.
   * Returns the way to remove it. To see gradients, hook the output in turn:
   *
   *     layer.registerForwardHook((_, output) => {
   *       output.registerHook((grad) => console.log(`${grad.norm()}`));
   *     });
   */
  registerForwardHook(hook: ForwardHook<Inputs, Output>): () => void {
    const { after } = hooksOf(this);
    after.add(hook);
    return () => after.delete(hook);
  }

  /** The direct children with their names. */
  namedChildren(): [name: string, module: AnyModule][] {
    return ownMembers(this).flatMap(({ name, value }): [string, AnyModule][] =>
      value instanceof Module ? [[name, value]] : [],
    );
  }

  children(): AnyModule[] {
    return this.namedChildren().map(([, module]) => module);
  }

  /** This module, named `''`, then its descendants, each once, parents first. */
  namedModules(): [name: string, module: AnyModule][] {
    const found = new Map<AnyModule, string>();
    const visit = (module: AnyModule, name: string): void => {
      if (found.has(module)) return;
      found.set(module, name);
      for (const [child, value] of module.namedChildren()) visit(value, name ? `${name}.${child}` : child);
    };
    visit(this, '');
    return Array.from(found, ([module, name]) => [name, module]);
  }

  modules(): AnyModule[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** Every parameter once, under its first name; a module's own come before those of its children. */
  namedParameters(): [name: string, parameter: Parameter][] {
    return unique(allTensors(this)).flatMap(([name, value]): [string, Parameter][] =>
      value instanceof Parameter ? [[name, value]] : [],
    );
  }

  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  namedBuffers(): [name: string, buffer: Buffer][] {
    return unique(allTensors(this)).flatMap(([name, value]): [string, Buffer][] =>
      value instanceof Buffer ? [[name, value]] : [],
    );
  }

  buffers(): Buffer[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  /** Switches this module and all its descendants to training behaviour, or back. */
  train(mode = true): this {
    for (const module of this.modules()) module.training = mode;
    return this;
  }

  /** `train(false)`. */
  eval(): this {
    return this.train(false);
  }

  /** Freezes (`false`) or unfreezes every parameter; a frozen one stays in the state dictionary. */
  requiresGrad(value = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad = value;
    return this;
  }

  /** Forgets the gradients of all parameters and gives their memory back: `clone` one to keep it. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) {
      parameter.grad?.dispose();
      parameter.grad = undefined;
    }
  }

  /** Calls `fn` with every descendant, children before their parents, then with this module. */
  apply(fn: (module: AnyModule) => void): this {
    for (const child of this.children()) child.apply(fn);
    fn(this);
    return this;
  }

  /**
   * Replaces the parameters and buffers, in place of the module: a dtype casts those that are floating-point, a device
   * moves all. The new parameters are other tensors than the old ones: make optimizers afterwards.
   */
  to(target: DType | Device, options?: ToOptions): this {
    this.convert(target, options);
    return this;
  }

  /**
   * `to`, for a while.
   *
   * @returns what puts back the very tensors that were there, and gives the memory of their replacements back.
   */
  convert(target: DType | Device, { except = () => false }: ToOptions = {}): () => void {
    if (typeof target === 'string' && !isFloat(target)) {
      throw new TensorError('invalid-argument', `to: a module cannot be ${target}. Use a floating-point dtype.`);
    }
    const converted = new Map<Tensor, Parameter | Buffer>();
    const replacements = this.modules()
      .filter((module) => !except(module))
      .flatMap(ownTensors)
      .map(({ value, holder, key }) => {
        const replacement = converted.get(value) ?? convertTensor(value, target);
        converted.set(value, replacement);
        return { holder, key, value, replacement };
      });
    for (const { holder, key, replacement } of replacements) Object.assign(holder, { [key]: replacement });
    return () => {
      for (const { holder, key, value } of replacements) Object.assign(holder, { [key]: value });
      for (const [value, replacement] of converted) if (replacement !== value) replacement.dispose();
    };
  }

  /** The values of all parameters and buffers, as they are now: later training does not change them. */
  stateDict(): StateDict {
    return collectState(allTensors(this));
  }

  /**
   * Takes over the values of `state`, cast to the dtypes of this module.
   *
   * @throws TensorError `invalid-argument` that lists every missing, unexpected and misshapen key; then nothing changed.
   */
  loadStateDict(state: StateDict, options?: LoadOptions): LoadReport {
    return assignState(this.constructor.name, allTensors(this), state, options);
  }

  /** The module's settings and children, one per line. */
  toString(): string {
    return showModule(this);
  }
}

/** A tensor or module that a module consists of, and the field it is in. */
interface Member<V> {
  readonly name: string;
  readonly value: V;
  readonly holder: object;
  readonly key: string;
}

type NamedTensor = readonly [name: string, tensor: Parameter | Buffer];

function ownMembers(module: AnyModule): Member<Parameter | Buffer | AnyModule>[] {
  return membersIn(module, '');
}

function membersIn(holder: object, prefix: string): Member<Parameter | Buffer | AnyModule>[] {
  return Object.entries(holder).flatMap(([key, value]: [string, unknown]) => {
    const name = prefix + torchName(key);
    if (value instanceof Parameter || value instanceof Buffer || value instanceof Module) {
      return [{ name, value, holder, key }];
    }
    if (value instanceof Tensor && value.requiresGrad && value.isLeaf) {
      throw new TensorError(
        'invalid-argument',
        `${holder.constructor.name}: "${key}" requires a gradient but is no parameter. Write new Parameter(${key}).`,
      );
    }
    return isCollection(value) ? membersIn(value, `${name}.`) : [];
  });
}

/** @internal Whether a field's value is looked into: an array or a plain object. */
export function isCollection(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function ownTensors(module: AnyModule): Member<Parameter | Buffer>[] {
  return ownMembers(module).filter((member): member is Member<Parameter | Buffer> => member.value instanceof Tensor);
}

/** Every parameter and buffer under every name it has, a module's own before those of its children. */
function allTensors(module: AnyModule, prefix = ''): NamedTensor[] {
  const own = ownTensors(module).map(({ name, value }): NamedTensor => [prefix + name, value]);
  return [...own, ...module.namedChildren().flatMap(([name, child]) => allTensors(child, `${prefix}${name}.`))];
}

function unique(tensors: readonly NamedTensor[]): NamedTensor[] {
  const seen = new Set<Tensor>();
  return tensors.filter(([, tensor]) => !seen.has(tensor) && seen.add(tensor));
}

function convertTensor(value: Parameter | Buffer, target: DType | Device): Parameter | Buffer {
  const stays = typeof target === 'string' ? !isFloat(value.dtype) || value.dtype === target : value.device === target;
  if (stays) return value;
  const converted = value.detach().to(target);
  if (value instanceof Buffer) return new Buffer(converted);
  const parameter = new Parameter(converted, { requiresGrad: value.requiresGrad });
  if (value.grad) parameter.grad = value.grad.detach().to(target);
  return parameter;
}
