import { TensorError } from '@halfgrad/core';

/** @throws TensorError if an option is negative or NaN. */
export function requireNonNegative(owner: string, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!(value >= 0)) {
      throw new TensorError('invalid-argument', `${owner}: ${name} is ${value}. Use a number that is not negative.`);
    }
  }
}

/** @throws TensorError unless every option is from 0 to 1. */
export function requireFractions(owner: string, options: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (!(value >= 0 && value <= 1)) {
      throw new TensorError('invalid-argument', `${owner}: ${name} is ${value}. Use a number from 0 to 1.`);
    }
  }
}

/** @throws TensorError unless both are averages that forget: at least 0 and below 1. */
export function requireBetas(owner: string, betas: readonly [number, number]): void {
  if (!betas.every((beta) => beta >= 0 && beta < 1)) {
    throw new TensorError('invalid-argument', `${owner}: betas are [${betas}]. Use numbers from 0 to below 1.`);
  }
}
