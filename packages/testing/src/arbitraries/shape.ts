import fc, { type Arbitrary } from 'fast-check';

/** Small, and now and then 0. */
const sizes: Arbitrary<number> = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constant(0) },
);

/** Sizes for what cannot be empty. */
export const positiveSizes: Arbitrary<number> = fc.integer({ min: 1, max: 4 });

export interface ShapeOptions {
  readonly minRank?: number;
  readonly maxRank?: number;
  readonly size?: Arbitrary<number>;
}

/** Shapes of up to three small dimensions, 0-dim and empty ones among them. */
export function shapes({ minRank = 0, maxRank = 3, size = sizes }: ShapeOptions = {}): Arbitrary<number[]> {
  return fc.array(size, { minLength: minRank, maxLength: maxRank });
}

/** A shape and one of its dimensions; a shape without any has dimension 0 too. */
export function shapeAndDim(options?: ShapeOptions): Arbitrary<{ shape: number[]; dim: number }> {
  return shapes(options).chain((shape) =>
    fc.nat(Math.max(shape.length - 1, 0)).map((dim) => ({
      shape,
      dim,
    })),
  );
}

/** What broadcasts to `shape`: without some of the leading dimensions, and with size 1 in some of the others. */
export function broadcastable(shape: readonly number[]): Arbitrary<number[]> {
  const flags = fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length });
  return fc
    .tuple(fc.nat(shape.length), flags)
    .map(([dropped, collapsed]) => shape.map((size, dim) => (collapsed[dim] ? 1 : size)).slice(dropped));
}

/** Shapes that broadcast against each other; half of the time they are simply equal. */
export function broadcastShapesOf(count: number): Arbitrary<number[][]> {
  return shapes().chain((shape) => {
    const equal = fc.constant(Array.from({ length: count }, () => shape));
    const collapsed = fc.array(broadcastable(shape), { minLength: count, maxLength: count });
    return fc.oneof(equal, collapsed);
  });
}

/** An ascending subset of the dimensions of `shape`. */
export function dimsOf(shape: readonly number[]): Arbitrary<number[]> {
  return fc.subarray(shape.map((_, dim) => dim));
}
