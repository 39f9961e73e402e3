import type { CheckedOptimizer, CheckedOptions, CheckedScaler, CreateScaler } from '../scaler.ts';

/** The state of our scaler, under PyTorch's names. */
export interface TorchState {
  readonly scale: number;
  readonly _growth_tracker: number;
}

/** A scaler that does what another does; a mutant overrides what it does wrong. */
export class AlteredScaler implements CheckedScaler {
  readonly options: CheckedOptions;
  readonly #create: CreateScaler;
  protected inner: CheckedScaler;
  /** Optimizers whose gradients were not finite since the last update. */
  protected readonly overflowed: Set<CheckedOptimizer> = new Set();
  protected readonly unscaled: Set<CheckedOptimizer> = new Set();

  constructor(create: CreateScaler, options: CheckedOptions, inner: CheckedScaler) {
    this.#create = create;
    this.options = options;
    this.inner = inner;
  }

  async scale(loss: number): Promise<number> {
    return this.inner.scale(loss);
  }

  async unscale(optimizer: CheckedOptimizer): Promise<void> {
    this.note(optimizer);
    await this.inner.unscale(optimizer);
    this.unscaled.add(optimizer);
  }

  async step(optimizer: CheckedOptimizer): Promise<void> {
    this.note(optimizer);
    await this.inner.step(optimizer);
  }

  async update(): Promise<void> {
    await this.inner.update();
    this.overflowed.clear();
    this.unscaled.clear();
  }

  async state(): Promise<unknown> {
    return this.inner.state();
  }

  protected note(optimizer: CheckedOptimizer): void {
    if (!optimizer.gradients.every(Number.isFinite)) this.overflowed.add(optimizer);
  }

  /** Goes on from another state. */
  protected async alterState(alter: (state: TorchState) => Partial<TorchState>): Promise<void> {
    if (!this.options.enabled) return;
    const state = (await this.inner.state()) as TorchState;
    this.inner = await this.#create(this.options, { ...state, ...alter(state) });
  }
}

/** The same gradients as the scaler is made to see them; what it hides is put back before the step. */
export function hiding(optimizer: CheckedOptimizer, isHidden: (value: number, i: number) => boolean): CheckedOptimizer {
  const { gradients } = optimizer;
  const hidden = [...gradients.entries()].filter(([i, value]) => isHidden(value, i));
  const restore = (): void => {
    for (const [i, value] of hidden) gradients[i] = value;
  };
  for (const [i] of hidden) gradients[i] = 0;
  return {
    gradients,
    step() {
      restore();
      optimizer.step();
    },
  };
}
