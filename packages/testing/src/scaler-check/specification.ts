import { PlainOptimizer } from './bench.ts';
import type { CheckedOptions } from './scaler.ts';

/** The executable specification of a scaler (AMP.md B3–B5): scales that are powers of two, and true gradients. */
export class Specification {
  readonly options: CheckedOptions;
  readonly optimizers: readonly SpecifiedOptimizer[];
  scale: number;
  #tracker = 0;

  constructor(options: CheckedOptions, optimizers: number) {
    this.options = options;
    this.scale = options.initScale;
    this.optimizers = Array.from({ length: optimizers }, () => new SpecifiedOptimizer());
  }

  update(): void {
    const checked = this.optimizers.filter(({ stage }) => stage !== 'ready');
    const { growthFactor, backoffFactor, growthInterval } = this.options;
    if (checked.some(({ isFinite }) => !isFinite)) {
      this.scale *= backoffFactor;
      this.#tracker = 0;
    } else if (++this.#tracker === growthInterval) {
      this.scale *= growthFactor;
      this.#tracker = 0;
    }
    for (const optimizer of this.optimizers) optimizer.reset();
  }
}

export class SpecifiedOptimizer {
  readonly plain: PlainOptimizer = new PlainOptimizer(2);
  stage: 'ready' | 'unscaled' | 'stepped' = 'ready';
  hasGradients = false;

  get isFinite(): boolean {
    return this.plain.gradients.every(Number.isFinite);
  }

  step(): void {
    if (this.isFinite) this.plain.step();
    this.stage = 'stepped';
  }

  reset(): void {
    this.plain.gradients.fill(0);
    this.stage = 'ready';
    this.hasGradients = false;
  }
}
