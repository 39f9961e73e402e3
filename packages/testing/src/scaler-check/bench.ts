import type { CheckedOptimizer, CheckedOptions, CheckedScaler, CreateScaler } from './scaler.ts';
import { Violation } from './violation.ts';

/** SGD with momentum in float32: weights, state and a count that show whether a step was taken. */
export class PlainOptimizer implements CheckedOptimizer {
  readonly weights: Float32Array;
  readonly gradients: Float32Array;
  readonly momentum: Float32Array;
  steps = 0;

  constructor(size: number) {
    this.weights = new Float32Array(size).fill(1);
    this.gradients = new Float32Array(size);
    this.momentum = new Float32Array(size);
  }

  step(): void {
    this.steps++;
    for (let i = 0; i < this.weights.length; i++) {
      this.momentum[i] = 0.5 * (this.momentum[i] as number) + (this.gradients[i] as number);
      this.weights[i] = (this.weights[i] as number) - (this.momentum[i] as number);
    }
  }

  /** Adds the gradient of a loss that was multiplied by `factor`. */
  accumulate(gradient: readonly number[], factor: number): void {
    gradient.forEach((g, i) => {
      this.gradients[i] = (this.gradients[i] as number) + Math.fround(g * factor);
    });
  }

  /** Limits the norm of the gradients. */
  clip(maxNorm: number): void {
    const norm = Math.hypot(...this.gradients);
    if (norm > maxNorm) for (let i = 0; i < this.gradients.length; i++) this.gradients[i]! *= maxNorm / norm;
  }

  /** All that a step changes. */
  get snapshot(): string {
    return JSON.stringify([[...this.weights], [...this.momentum], this.steps]);
  }
}

const defaults: CheckedOptions = {
  initScale: 1024,
  growthFactor: 2,
  backoffFactor: 0.5,
  growthInterval: 2000,
  enabled: true,
};

/** A scaler with the loop that uses it. What the scaler throws in a legal order of calls is a violation. */
export class Bench {
  readonly options: CheckedOptions;
  readonly #create: CreateScaler;
  #scaler: CheckedScaler;

  private constructor(create: CreateScaler, options: CheckedOptions, scaler: CheckedScaler) {
    this.#create = create;
    this.options = options;
    this.#scaler = scaler;
  }

  static async open(create: CreateScaler, options: Partial<CheckedOptions> = {}): Promise<Bench> {
    const complete = { ...defaults, ...options };
    return new Bench(create, complete, await legal('create', () => create(complete)));
  }

  /** The scale, as a loss sees it. */
  async readScale(): Promise<number> {
    return Number(await legal('scale', () => this.#scaler.scale(1)));
  }

  async scale(loss: number): Promise<number> {
    return Number(await legal('scale', () => this.#scaler.scale(loss)));
  }

  async backward(optimizer: PlainOptimizer, gradient: readonly number[]): Promise<void> {
    optimizer.accumulate(gradient, await this.readScale());
  }

  async unscale(optimizer: PlainOptimizer): Promise<void> {
    await legal('unscale', () => this.#scaler.unscale(optimizer));
  }

  /** Whether a second unscale is refused, as it should be. */
  async refusesUnscale(optimizer: PlainOptimizer): Promise<boolean> {
    try {
      await this.#scaler.unscale(optimizer);
      return false;
    } catch {
      return true;
    }
  }

  async step(optimizer: PlainOptimizer): Promise<void> {
    await legal('step', () => this.#scaler.step(optimizer));
  }

  async update(): Promise<void> {
    await legal('update', () => this.#scaler.update());
  }

  /** Continues with a new scaler from the state of this one, through JSON. */
  async restore(): Promise<void> {
    const state = JSON.parse(JSON.stringify((await legal('state', () => this.#scaler.state())) ?? null));
    this.#scaler = await legal('create', () => this.#create({ ...this.options, initScale: 2 }, state));
  }

  /** A whole iteration of one optimizer; `fill` puts what the gradients hold before the step. */
  async iterate(optimizer: PlainOptimizer, gradient: readonly number[], poison?: number): Promise<void> {
    optimizer.gradients.fill(0);
    await this.backward(optimizer, gradient);
    if (poison !== undefined) optimizer.gradients[0] = poison;
    await this.step(optimizer);
    await this.update();
  }
}

async function legal<T>(method: string, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Violation(`${method}() threw, in a legal order of calls: ${message}`);
  }
}
