/** A property that does not hold, with the smallest case that was found. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** @throws Violation that shows the case, what should be and what is. */
export function demand(given: string, what: string, expected: unknown, actual: unknown): void {
  if (Object.is(expected, actual) || show(expected) === show(actual)) return;
  throw new Violation(`${given}  expected ${what}: ${show(expected)}   got: ${show(actual)}`);
}

export function show(value: unknown): string {
  if (value instanceof Float32Array || Array.isArray(value)) return `[${Array.from(value, show).join(', ')}]`;
  return typeof value === 'number' && Object.is(value, -0) ? '-0' : String(value);
}
