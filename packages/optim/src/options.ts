import { TensorError } from '@halfgrad/core';

/** @throws TensorError unless every option is a finite number that is not negative. */
export function requireNonNegative(owner: string, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!(value >= 0 && Number.isFinite(value))) {
      throw new TensorError('invalid-argument', `${owner}: ${name} is ${value}. Use a number that is not negative.`);
    }
  }
}
