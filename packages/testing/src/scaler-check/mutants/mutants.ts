import type { CheckedOptimizer, CheckedOptions, CheckedScaler, CreateScaler } from '../scaler.ts';
import { AlteredScaler, hiding } from './altered-scaler.ts';

/** A known mistake, made in a scaler that is correct without it. */
export interface ScalerMutant {
  readonly name: string;
  /** Where the mistake was made in earnest. */
  readonly source: string;
  readonly mutate: (create: CreateScaler) => CreateScaler;
}

type Class = new (create: CreateScaler, options: CheckedOptions, inner: CheckedScaler) => CheckedScaler;

function altered(Altered: Class): (create: CreateScaler) => CreateScaler {
  return (create) => async (options, state) => new Altered(create, options, await create(options, state));
}

function withOptions(change: (options: CheckedOptions) => Partial<CheckedOptions>): ScalerMutant['mutate'] {
  return (create) => (options, state) => create({ ...options, ...change(options) }, state);
}

/** Mistakes that scalers were shipped with; the kit has to find each. */
export const scalerMutants: readonly ScalerMutant[] = [
  {
    name: 'divides twice',
    source: 'a TypeScript scaler whose step() unscales again after unscale() (AMP.md F1.4)',
    mutate: altered(
      class extends AlteredScaler {
        override async step(optimizer: CheckedOptimizer): Promise<void> {
          const scale = this.unscaled.has(optimizer) ? await this.scale(1) : 1;
          for (const [i, gradient] of optimizer.gradients.entries()) optimizer.gradients[i] = gradient / scale;
          await super.step(optimizer);
        }
      },
    ),
  },
  {
    name: 'scales the value of the loss, but not its gradients',
    source: 'a TypeScript scaler that multiplies the storage of the loss in place',
    mutate: altered(
      class extends AlteredScaler {
        override async scale(loss: number): Promise<number> {
          return loss;
        }
      },
    ),
  },
  {
    name: 'steps in spite of an overflow',
    source: 'loops that call optimizer.step() themselves (AMP.md F1.6)',
    mutate: altered(
      class extends AlteredScaler {
        override async step(optimizer: CheckedOptimizer): Promise<void> {
          await super.step(optimizer);
          if (this.options.enabled && this.overflowed.has(optimizer)) optimizer.step();
        }
      },
    ),
  },
  {
    name: 'takes NaN for a number',
    source: 'checks written as |g| > max, which no NaN is (AMP.md B5.3)',
    mutate: altered(
      class extends AlteredScaler {
        override async step(optimizer: CheckedOptimizer): Promise<void> {
          await super.step(hiding(optimizer, Number.isNaN));
        }
      },
    ),
  },
  {
    name: 'looks at the first element only',
    source: 'DeepSpeed and FSDP offload loops that stop early (AMP.md B8)',
    mutate: altered(
      class extends AlteredScaler {
        override async step(optimizer: CheckedOptimizer): Promise<void> {
          await super.step(hiding(optimizer, (value, i) => i > 0 && !Number.isFinite(value)));
        }
      },
    ),
  },
  {
    name: 'grows one step late',
    source: 'flax and DeepSpeed (AMP.md B9.2, B9.3)',
    mutate: withOptions(({ growthInterval }) => ({ growthInterval: growthInterval + 1 })),
  },
  {
    name: 'backs off by a fixed half',
    source: 'scalers with one factor for both directions (AMP.md B9)',
    mutate: withOptions(() => ({ backoffFactor: 0.5 })),
  },
  {
    name: 'counts on after an overflow',
    source: 'scalers that count steps, not good steps in a row (AMP.md B5.3)',
    mutate: altered(
      class extends AlteredScaler {
        #tracker = 0;
        override async update(): Promise<void> {
          const found = this.overflowed.size > 0;
          await super.update();
          if (found) await this.alterState(() => ({ _growth_tracker: this.#tracker }));
          else this.#tracker = (this.#tracker + 1) % this.options.growthInterval;
        }
      },
    ),
  },
  {
    name: 'grows to infinity',
    source: 'PyTorch before #98876 (#98828)',
    mutate: altered(
      class extends AlteredScaler {
        #updates = 0;
        override async scale(loss: number): Promise<number> {
          const scaled = await super.scale(loss);
          return this.#updates > 0 && scaled >= 2 ** 126 ? Number.POSITIVE_INFINITY : scaled;
        }
        override async update(): Promise<void> {
          await super.update();
          this.#updates++;
        }
      },
    ),
  },
  {
    name: 'falls to 0',
    source: 'PyTorch #99640, apex #318',
    mutate: altered(
      class extends AlteredScaler {
        override async scale(loss: number): Promise<number> {
          const scaled = await super.scale(loss);
          return scaled < loss * 2 ** -13 ? 0 : scaled;
        }
      },
    ),
  },
  {
    name: 'skips all optimizers when one overflows',
    source: 'scalers with one found-inf flag for all (AMP.md B7.4)',
    mutate: altered(
      class extends AlteredScaler {
        override async step(optimizer: CheckedOptimizer): Promise<void> {
          const skips = this.options.enabled && this.overflowed.size > 0;
          await super.step(skips ? { gradients: optimizer.gradients, step: () => {} } : optimizer);
        }
      },
    ),
  },
  {
    name: 'backs off once for each optimizer',
    source: 'one update per optimizer (AMP.md B5.7, B7.4)',
    mutate: altered(
      class extends AlteredScaler {
        override async update(): Promise<void> {
          const extra = Math.max(this.overflowed.size - 1, 0);
          await super.update();
          const factor = this.options.backoffFactor ** extra;
          if (extra > 0) await this.alterState(({ scale }) => ({ scale: scale * factor }));
        }
      },
    ),
  },
  {
    name: 'backs off in step',
    source: 'scalers without update(): later backward passes use another scale (AMP.md B5.7)',
    mutate: altered(
      class extends AlteredScaler {
        override async scale(loss: number): Promise<number> {
          const factor = this.overflowed.size > 0 && this.options.enabled ? this.options.backoffFactor : 1;
          return (await super.scale(loss)) * factor;
        }
      },
    ),
  },
  {
    name: 'never forgets an overflow',
    source: 'found-inf flags that nobody clears (AMP.md B5.6)',
    mutate: altered(
      class extends AlteredScaler {
        #found = false;
        override async step(optimizer: CheckedOptimizer): Promise<void> {
          const skips = this.#found && this.options.enabled;
          await super.step(skips ? { gradients: optimizer.gradients, step: () => {} } : optimizer);
          this.#found ||= this.overflowed.size > 0;
        }
      },
    ),
  },
  {
    name: 'saves the scale without the count',
    source: 'checkpoints that hold one number (AMP.md F1.12)',
    mutate: altered(
      class extends AlteredScaler {
        override async state(): Promise<unknown> {
          return { ...((await super.state()) as object), _growth_tracker: 0 };
        }
      },
    ),
  },
  {
    name: 'scales when disabled',
    source: 'enabled that is read in some methods only (AMP.md B10)',
    mutate: altered(
      class extends AlteredScaler {
        override async scale(loss: number): Promise<number> {
          return this.options.enabled ? super.scale(loss) : loss * this.options.initScale;
        }
      },
    ),
  },
];
