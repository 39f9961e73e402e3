import { dispatch } from '../dispatch/layers.ts';
import { TensorError } from '../spec/errors.ts';
import { philoxBlocks, philoxWords } from '../spec/philox.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Where a generator stands: its key, and the next block of its stream. */
export interface GeneratorState {
  readonly seed: number;
  readonly offset: number;
}

/** A stream of Philox random numbers (`torch.Generator`). The same seed gives the same bits on every device and host. */
export class Generator {
  #state: GeneratorState;

  constructor(seed = 0) {
    this.#state = { seed: checkedSeed(seed), offset: 0 };
  }

  manualSeed(seed: number): this {
    this.#state = { seed: checkedSeed(seed), offset: 0 };
    return this;
  }

  /** For checkpoints; `setState` continues from there. */
  state(): GeneratorState {
    return this.#state;
  }

  setState({ seed, offset }: GeneratorState): void {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new TensorError('invalid-argument', `Generator.setState: offset ${offset} is not a position in the stream`);
    }
    this.#state = { seed: checkedSeed(seed), offset };
  }

  /** @internal The place of `count` 32-bit words of the stream, which are thereby used up. */
  reserve(count: number): GeneratorState {
    const reserved = this.#state;
    this.#state = { ...reserved, offset: reserved.offset + philoxBlocks(count) };
    return reserved;
  }

  /** @internal `count` 32-bit words, rounded up to whole blocks. */
  words(count: number): Uint32Array {
    const { seed, offset } = this.reserve(count);
    return philoxWords(seed, offset, count);
  }

  /** The integers below `count` in random order (Fisher–Yates). */
  permutation(count: number): Int32Array {
    const order = Int32Array.from({ length: count }, (_, i) => i);
    const words = this.words(count);
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor((words[i] as number) * 2 ** -32 * (i + 1));
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    return order;
  }
}

function checkedSeed(seed: number): number {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new TensorError('invalid-argument', `Generator: the seed must be an integer from 0 to 2^53 − 1, got ${seed}`);
  }
  return seed;
}

/** The generator that random functions use unless they are given one. */
export const defaultGenerator: Generator = new Generator(0);

/** Restarts the default generator (`torch.manual_seed`). */
export function manualSeed(seed: number): Generator {
  return defaultGenerator.manualSeed(seed);
}

export interface DropoutOptions {
  /** Without it the input is returned as it is. */
  readonly training?: boolean;
  readonly generator?: Generator;
}

/**
 * Zeroes each element with probability `p` and scales the others by `1 / (1 − p)`.
 *
 * Nothing is saved for backward: the mask is computed again from the generator's position.
 *
 * @see Srivastava et al. (2014).
 */
export function dropout(
  x: Tensor,
  p = 0.5,
  { training = true, generator = defaultGenerator }: DropoutOptions = {},
): Tensor {
  if (!training || p === 0) return x;
  return dispatch('dropout', { x }, { p, ...generator.reserve(x.size) });
}
