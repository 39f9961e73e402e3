import {
  cast,
  clone,
  computeDType,
  type DType,
  isFloat,
  sameShape,
  type Tensor,
  TensorError,
  update,
} from '@halfgrad/core';
import { requireFractions } from './options.ts';
import { type NamedTensor, nameParams } from './param-groups.ts';
import { type StepOutcome, wasTaken } from './step-outcome.ts';

export interface MovingAverageOptions {
  /** The share of the average that each update keeps. */
  readonly decay?: number;
}

export interface MovingAverageState {
  readonly decay: number;
  readonly averages: Readonly<Record<string, Tensor>>;
}

/**
 * Averages of parameters over training, which often generalise better than the last ones (Polyak & Juditsky 1992).
 *
 *   average = decay · average + (1 − decay) · parameter
 *
 * Averages of 16-bit parameters are float32: the small steps would round to nothing. Pass buffers along to average running
 * statistics too: `[...model.namedParameters(), ...model.namedBuffers()]`; integers among them are copied.
 *
 *     ema.update(scaler.step(optimizer));
 *     const restore = ema.swap();
 *     evaluate(model);
 *     restore();
 */
export class ExponentialMovingAverage {
  readonly decay: number;
  readonly #averages: ReadonlyMap<Tensor, { readonly name: string; readonly average: Tensor }>;

  constructor(params: Iterable<Tensor | NamedTensor>, { decay = 0.999 }: MovingAverageOptions = {}) {
    requireFractions('ExponentialMovingAverage', { decay });
    this.decay = decay;
    this.#averages = new Map(
      Array.from(nameParams('ExponentialMovingAverage', new Map(), params), ([param, name]) => [
        param,
        { name, average: copyOf(param, computeDType(param.dtype)) },
      ]),
    );
  }

  /** Moves the averages towards the parameters, unless the optimizer's step was skipped. */
  update(outcome?: StepOutcome): void {
    if (!wasTaken(outcome)) return;
    for (const [source, { average: target }] of this.#averages) {
      if (isFloat(source.dtype)) update('lerp', { target, source }, { weight: 1 - this.decay });
      else update('assign', { target, source });
    }
  }

  /** The average of each parameter, in order. */
  averages(): Tensor[] {
    return Array.from(this.#averages.values(), ({ average }) => average);
  }

  /** Overwrites tensors with the averages, in order: those of a copy of the model, or the parameters themselves. */
  applyTo(params: Iterable<Tensor>): void {
    const targets = [...params];
    const averages = this.averages();
    if (
      targets.length !== averages.length ||
      !targets.every(({ shape }, i) => sameShape(shape, averages[i]?.shape ?? []))
    ) {
      throw new TensorError(
        'invalid-argument',
        `ExponentialMovingAverage.applyTo: the ${targets.length} tensors are not those of ${averages.length} averages.`,
      );
    }
    targets.forEach((target, i) => {
      update('assign', { target, source: averages[i] as Tensor });
    });
  }

  /** Puts the averages in the place of the parameters, and returns the way back. */
  swap(): () => void {
    const saved = Array.from(this.#averages.keys(), (param) => [param, copyOf(param, param.dtype)] as const);
    this.applyTo(this.#averages.keys());
    return () => {
      for (const [target, source] of saved.splice(0)) {
        update('assign', { target, source });
        source.dispose();
      }
    };
  }

  /** The averages as they are now, by the names of their parameters. */
  stateDict(): MovingAverageState {
    const entries = Array.from(this.#averages.values(), ({ name, average }) => [name, clone(average)]);
    return { decay: this.decay, averages: Object.fromEntries(entries) };
  }

  /**
   * Continues from averages that were saved; the decay stays the one that this average was made with.
   *
   * @throws TensorError `invalid-argument` when one is missing or has another shape; then nothing changed.
   */
  loadStateDict({ averages }: Pick<MovingAverageState, 'averages'>): void {
    const pairs = Array.from(this.#averages.values(), ({ name, average: target }) => {
      const source = averages[name];
      if (!source || !sameShape(source.shape, target.shape)) {
        const problem = source ? `is [${source.shape}], should be [${target.shape}]` : 'is missing';
        throw new TensorError('invalid-argument', `ExponentialMovingAverage.loadStateDict: "${name}" ${problem}.`);
      }
      return { target, source: source.to(target.device) };
    });
    for (const pair of pairs) update('assign', pair);
  }
}

/** The values of a parameter in memory of their own, which no scope ends. */
function copyOf(param: Tensor, dtype: DType): Tensor {
  const values = param.detach();
  return (dtype === param.dtype ? clone(values) : cast(values, dtype)).keep();
}
