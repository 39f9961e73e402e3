import { TensorError } from '@halfgrad/core';

/** @throws TensorError if an option is negative or NaN. */
export function requireNonNegative(owner: string, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!(value >= 0)) {
      throw new TensorError('invalid-argument', `${owner}: ${name} is ${value}. Use a number that is not negative.`);
    }
  }
}
