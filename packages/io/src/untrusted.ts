/** Whether a value found in a file is a number of things: an integer from 0 to 2^53 − 1. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** NumPy and PyTorch allow no more dimensions. */
const maxRank = 64;

/**
 * Whether a value found in a file is a shape that a tensor can have: sizes that are counts, no more dimensions than
 * anybody has, and a product below 2^53 even where another size is 0.
 */
export function isShape(value: unknown): value is readonly number[] {
  if (!Array.isArray(value) || value.length > maxRank || !value.every(isCount)) return false;
  return Number.isSafeInteger(value.reduce((product: number, size) => product * Math.max(size, 1), 1));
}

/** A value from a file as messages print it: escaped, and not without end. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}

const maxShown = 80;
