/** What every scaler is created with; PyTorch's defaults are 65536, 2, 0.5, 2000 and true. */
export interface CheckedOptions {
  readonly initScale: number;
  readonly growthFactor: number;
  readonly backoffFactor: number;
  readonly growthInterval: number;
  readonly enabled: boolean;
}

/** An optimizer as a scaler sees it: gradients that it may change in place, and a step that it may take or not. */
export interface CheckedOptimizer {
  readonly gradients: Float32Array;
  step(): void;
}

type Awaitable<T> = T | Promise<T>;

/** The five methods that a scaler is judged by. */
export interface CheckedScaler {
  /** The loss times the scale. */
  scale(loss: number): Awaitable<number>;
  /** Divides the gradients by the scale, and remembers whether they were finite. */
  unscale(optimizer: CheckedOptimizer): Awaitable<void>;
  /** Unscales unless that was done by hand, and calls `optimizer.step()` unless something was not finite. */
  step(optimizer: CheckedOptimizer): Awaitable<void>;
  /** Ends the iteration: adapts the scale. */
  update(): Awaitable<void>;
  /** What a new scaler needs to go on as this one would; must survive JSON. */
  state(): Awaitable<unknown>;
}

/** The adapter of a scaler: what the module given to `halfgrad check scaler` exports as `createScaler`. */
export type CreateScaler = (options: CheckedOptions, state?: unknown) => Awaitable<CheckedScaler>;
