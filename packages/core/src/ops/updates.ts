import type { TensorSpec } from '../spec/spec.ts';

/** What every optimizer step shares. */
export interface StepAttrs {
  readonly lr: number;
  readonly weightDecay: number;
  readonly maximize: boolean;
}

/**
 * The operations that change tensors in place: parameters, optimizer state, running statistics, the loss scale.
 *
 * `T` is a representation of a tensor as in `Ops<T>`. Steps that are given `foundInf` leave every tensor untouched when
 * it is not zero, without anyone reading it back (AMP.md B4.6).
 */
export interface Updates<T> {
  /**
   * target := source, cast to the target's dtype; nothing at all where `foundInf` is given and not zero.
   *
   * With `noise`, uniform on [0, 1), a float32 source rounds to a bfloat16 target stochastically: away from zero where the
   * noise is less than the part that is cut off, in units of the last place, and toward zero elsewhere (AMP.md E9).
   */
  assign(inputs: { target: T; source: T; foundInf?: T | undefined; noise?: T | undefined }): void;
  /** target := target + weight · (source − target). */
  lerp(inputs: { target: T; source: T }, attrs: { weight: number }): void;
  /**
   * SGD with momentum (`torch.optim.SGD`).
   *
   *   g = ±grad + weightDecay · p,  buf = first ? g : momentum · buf + (1 − dampening) · g
   *   p = p − lr · (nesterov ? g + momentum · buf : buf)
   *
   * `step` counts the steps taken (a skipped one is none) and comes with the buffer, which the first step fills.
   */
  sgdStep(
    inputs: { param: T; grad: T; momentumBuffer: T | undefined; step: T | undefined; foundInf: T | undefined },
    attrs: StepAttrs & { momentum: number; dampening: number; nesterov: boolean },
  ): void;
  /**
   * Adam and AdamW (`torch.optim.Adam`, `torch.optim.AdamW`), with `step` counting the steps taken so far.
   *
   *   t = step + 1,  m = β₁m + (1 − β₁)g,  v = β₂v + (1 − β₂)g²
   *   p = p − lr / (1 − β₁ᵗ) · m / (√v̂ / √(1 − β₂ᵗ) + ε),  v̂ = amsgrad ? max(v̂, v) : v
   *
   * @see Kingma & Ba (2015), algorithm 1; Loshchilov & Hutter (2019) for `decoupled` weight decay.
   */
  adamStep(
    inputs: {
      param: T;
      grad: T;
      expAvg: T;
      expAvgSq: T;
      maxExpAvgSq: T | undefined;
      step: T;
      foundInf: T | undefined;
    },
    attrs: StepAttrs & { beta1: number; beta2: number; eps: number; decoupled: boolean },
  ): void;
  /**
   * grad := grad / scale for every gradient, and foundInf := 1 if any element is not finite before or after
   * (AMP.md B3.3, B3.5, B3.7): inverse = float32(1 / scale), element = round(element · inverse).
   */
  unscaleAndCheck(inputs: { grads: readonly T[]; scale: T; foundInf: T }): void;
  /**
   * The growth and backoff arithmetic of a dynamic loss scale, in place (AMP.md B5.3–B5.5, B9.1, B9.2).
   *
   *   found:  skips += 1;  from `hysteresis` of them on, scale = max(scale · backoffFactor, minScale);
   *           growthTracker = −uncountedSteps
   *   clean:  growthTracker += 1;  at `growthInterval`, scale = min(scale · growthFactor, maxScale) where that is finite,
   *           growthTracker = 0 and skips = 0;  with `consecutiveHysteresis`, skips = 0 in any case
   */
  updateScale(inputs: { scale: T; growthTracker: T; skipTracker: T; foundInf: T }, attrs: ScaleUpdate): void;
}

export interface ScaleUpdate {
  readonly growthFactor: number;
  readonly backoffFactor: number;
  readonly growthInterval: number;
  /** The scale backs off from this many skipped steps on; 1 is at once. */
  readonly hysteresis: number;
  /** Whether any good step forgets the skipped ones; else only growth does. */
  readonly consecutiveHysteresis: boolean;
  /** Good steps after a skipped one that do not count toward growth. */
  readonly uncountedSteps: number;
  readonly minScale: number;
  readonly maxScale: number;
}

export type UpdateName = keyof Updates<unknown>;
export type UpdateInputs<K extends UpdateName, T> = Parameters<Updates<T>[K]>[0];
export type UpdateAttrs<K extends UpdateName> = Parameters<Updates<unknown>[K]>[1];

/** Which inputs each update writes to: their version counters go up. */
export const updateTargets: { readonly [K in UpdateName]: readonly (keyof UpdateInputs<K, TensorSpec>)[] } = {
  assign: ['target'],
  lerp: ['target'],
  sgdStep: ['param', 'momentumBuffer', 'step'],
  adamStep: ['param', 'expAvg', 'expAvgSq', 'maxExpAvgSq', 'step'],
  unscaleAndCheck: ['grads', 'foundInf'],
  updateScale: ['scale', 'growthTracker', 'skipTracker'],
};

/** Which inputs of each update have to have one shape. */
export const updateShapes: { readonly [K in UpdateName]: readonly (keyof UpdateInputs<K, TensorSpec>)[] } = {
  assign: ['target', 'source', 'noise'],
  lerp: ['target', 'source'],
  sgdStep: ['param', 'grad', 'momentumBuffer'],
  adamStep: ['param', 'grad', 'expAvg', 'expAvgSq', 'maxExpAvgSq'],
  unscaleAndCheck: [],
  updateScale: [],
};
