import type { DType } from '../spec/dtype.ts';
import { TensorError } from '../spec/errors.ts';
import { showSpec, type TensorSpec } from '../spec/spec.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Called with the whole gradient of a tensor; what it returns, if anything, replaces it. */
export type GradHook = (grad: Tensor) => Tensor | undefined;

/** What a scaler multiplied a loss by: one for each scaler and iteration, told apart by identity. */
export interface LossScale {
  /** The number, for messages, where the device can be read without waiting. */
  read(): number | undefined;
}

/** The loss scale that a gradient carries; `'unscaled'` once it was divided out. */
export type LossScaleMark = LossScale | 'unscaled';

/** A tensor's place in the graph, apart from its data: the graph keeps alive only what a formula will read. */
export interface GradSlot extends TensorSpec {
  requiresGrad: boolean;
  /** Accumulated by backward, on leaves and where `retainGrad` was called. */
  grad: Tensor | undefined;
  /** The op that computed it; leaves have none. */
  origin: GradNode | undefined;
  /** Whether backward stores the gradient although the tensor is not a leaf. */
  retainsGrad: boolean;
  /** Contributions are added in this dtype; wider than the tensor's own for a weight that autocast has cast once. */
  gradDType: DType;
  hooks: Set<GradHook> | undefined;
  /** Set by scalers on scaled losses; backward hands it on to the gradients. */
  lossScale: LossScaleMark | undefined;
}

let nodes = 0;

/** The id that the next node will get: nodes made later have larger ones. */
export function nextNodeId(): number {
  return nodes;
}

/** A saved tensor, and the version of its memory at that time. */
interface Saved {
  tensor: Tensor | undefined;
  readonly version: number;
}

/** One recorded op or function: how gradients pass from its outputs to its inputs. */
export abstract class GradNode {
  readonly id: number = nodes++;
  readonly name: string;
  readonly inputs: readonly GradSlot[];
  readonly outputs: readonly GradSlot[];
  #saved: ReadonlyMap<string, Saved>;
  #restore: (() => void) | undefined;
  #released = false;

  /** Links the outputs to this node. What is saved is shared, not copied, and lives until `release`. */
  constructor(
    name: string,
    inputs: readonly GradSlot[],
    outputs: readonly GradSlot[],
    saved: Iterable<readonly [string, Tensor]>,
  ) {
    this.name = name;
    this.inputs = inputs;
    this.outputs = outputs;
    this.#saved = new Map(
      Array.from(saved, ([key, tensor]) => [key, { tensor: tensor.share(), version: tensor.version }]),
    );
    for (const slot of outputs) {
      slot.requiresGrad = true;
      slot.origin = this;
    }
  }

  /** Gradients of the outputs in, gradients of the inputs out, where there are any. */
  abstract backward(grads: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[];

  get released(): boolean {
    return this.#released;
  }

  /** What the node keeps alive. */
  get saved(): readonly Tensor[] {
    return [...this.#saved.values()].flatMap(({ tensor }) => tensor ?? []);
  }

  /**
   * What was saved, by name.
   *
   * @throws TensorError `graph-released` after `release`, if anything was saved; `modified-in-place` if one was changed since.
   */
  protected unpack(): Record<string, Tensor> {
    if (this.#released && this.#saved.size > 0) {
      throw new TensorError(
        'graph-released',
        `backward: what ${this.#description()} had saved was released by an earlier backward. Pass { retainGraph: true } to the first one.`,
      );
    }
    this.#restore?.();
    return Object.fromEntries(Array.from(this.#saved, ([key, saved]) => [key, this.#unchanged(key, saved)]));
  }

  /** Lets go of everything saved, for good. */
  release(): void {
    this.#released = true;
    this.#drop();
    this.#restore = undefined;
  }

  /** Lets go of everything saved until backward asks; `restore` then brings it back with `refill`. */
  offload(restore: () => void): void {
    this.#drop();
    this.#restore = restore;
  }

  /** Takes over what the same op has saved when it was computed again. */
  refill(twin: GradNode): void {
    this.#restore = undefined;
    for (const [key, saved] of this.#saved) {
      const again = twin.#saved.get(key);
      if (twin.name !== this.name || !again?.tensor) {
        throw new TensorError(
          'invalid-argument',
          `checkpoint: the function did not do the same again (${this.name}, then ${twin.name})`,
        );
      }
      if (again.version !== saved.version) throw this.#modified(key, again.tensor, saved.version);
      saved.tensor = again.tensor.share();
    }
  }

  #drop(): void {
    for (const saved of this.#saved.values()) {
      saved.tensor?.dispose();
      saved.tensor = undefined;
    }
  }

  #unchanged(key: string, { tensor, version }: Saved): Tensor {
    if (!tensor) throw new TensorError('graph-released', `backward: "${key}" of ${this.#description()} is gone`);
    if (tensor.version !== version) throw this.#modified(key, tensor, version);
    return tensor;
  }

  #modified(key: string, tensor: Tensor, version: number): TensorError {
    return new TensorError(
      'modified-in-place',
      `backward: "${key}" of ${this.name}, ${showSpec(tensor)}, was changed in place after it was saved (version ${version}, now ${tensor.version}). Call backward before the optimizer steps.`,
    );
  }

  #description(): string {
    return `${this.name} (${this.outputs.map(showSpec).join(', ')})`;
  }
}

/** Every node that a gradient of `roots` passes through, outputs first. Iterative: graphs can be 100,000 nodes deep. */
export function reachableNodes(roots: readonly GradSlot[]): GradNode[] {
  const seen = new Set<GradNode>();
  const pending = roots.flatMap(({ origin }) => origin ?? []);
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const { origin } of node.inputs) if (origin && !seen.has(origin)) pending.push(origin);
  }
  // Inputs are older than outputs, so descending ids are a reverse topological order.
  return [...seen].sort((a, b) => b.id - a.id);
}
