import { isFinite, noGrad, type Tensor, TensorError } from '@halfgrad/core';
import type { NamedGradient } from './scalable-optimizer.ts';

/** A parameter whose gradient was not finite, and in how many elements. */
export interface NonFinite {
  readonly name: string;
  readonly count: number;
}

interface Outcome {
  readonly foundInf: boolean;
  readonly scale: number;
}

/**
 * What `GradScaler.step` did. Fields are read from the device when they are asked for, so a loop that does not ask never
 * waits; on devices that can only be read asynchronously, `await result.ready()` first.
 */
export class StepResult {
  readonly #foundInf: Tensor | undefined;
  readonly #scale: Tensor | undefined;
  readonly #gradients: readonly NamedGradient[];
  readonly #onSkip: ((result: StepResult) => void) | undefined;
  #outcome: Outcome | undefined;
  #nonFinite: readonly NonFinite[] | undefined;

  /** @internal */
  constructor(
    foundInf: Tensor | undefined,
    scale: Tensor | undefined,
    gradients: readonly NamedGradient[],
    onSkip?: (result: StepResult) => void,
  ) {
    this.#foundInf = foundInf;
    this.#scale = scale;
    this.#gradients = gradients;
    this.#onSkip = onSkip;
    // Nobody waits; whoever steps again before the device has answered gives the answer up.
    if (onSkip) {
      this.ready().catch((error) => {
        if (!foundInf?.isDisposed) throw error;
      });
    }
  }

  /** @internal The result of a disabled scaler. */
  static taken(): StepResult {
    const result = new StepResult(undefined, undefined, []);
    result.#outcome = { foundInf: false, scale: 1 };
    result.#nonFinite = [];
    return result;
  }

  /** Whether the optimizer changed the parameters; schedulers should follow it (AMP.md B7.6). */
  get stepped(): boolean {
    return !this.foundInf;
  }

  get foundInf(): boolean {
    return this.#read().foundInf;
  }

  /** The scale that the gradients carried. */
  get scale(): number {
    return this.#read().scale;
  }

  /**
   * The parameters whose gradients are not finite; empty after a step that was taken. Ask before the gradients are zeroed.
   */
  get nonFinite(): readonly NonFinite[] {
    this.#nonFinite ??= this.foundInf ? countNonFinite(this.#gradients) : [];
    return this.#nonFinite;
  }

  /** Reads the outcome asynchronously; afterwards `stepped`, `foundInf` and `scale` do not wait. */
  async ready(): Promise<this> {
    this.#requireUnexpired();
    if (!this.#outcome && this.#foundInf && this.#scale) {
      const [foundInf, scale] = await Promise.all([this.#foundInf.data(), this.#scale.data()]);
      this.#settle({ foundInf: foundInf[0] !== 0, scale: scale[0] as number });
    }
    return this;
  }

  /** @internal Gives back what nobody has asked for, so that a loop holds no more than one result per optimizer. */
  expire(): void {
    this.#foundInf?.dispose();
    this.#scale?.dispose();
  }

  #read(): Outcome {
    this.#requireUnexpired();
    return this.#outcome ?? this.#settle({ foundInf: this.#foundInf?.item() !== 0, scale: this.#scale?.item() ?? 1 });
  }

  /** Remembers the outcome, and calls `onSkip` once. */
  #settle(outcome: Outcome): Outcome {
    if (this.#outcome) return this.#outcome;
    this.#outcome = outcome;
    if (outcome.foundInf) this.#onSkip?.(this);
    return outcome;
  }

  #requireUnexpired(): void {
    if (this.#outcome || !this.#foundInf?.isDisposed) return;
    throw new TensorError(
      'scaler-state',
      'StepResult: read after the next step. Ask for its fields, or await result.ready(), before stepping again.',
    );
  }
}

function countNonFinite(gradients: readonly NamedGradient[]): NonFinite[] {
  return gradients.flatMap(({ name, grad }) => {
    const finite = noGrad(() => isFinite(grad.detach()).sum().item());
    return finite < grad.size ? [{ name, count: grad.size - finite }] : [];
  });
}
