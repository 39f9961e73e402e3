import type { Numbers } from '../host-tensor.ts';

/** A matrix in memory: element (i, j) is at `offset + i · rowStride + j · columnStride`. */
export interface Matrix {
  readonly values: Numbers;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

export type Order = 'as stored' | 'transposed';

/** The matrix stored row-major from `offset` on with so many columns, or its transpose. */
export function matrix(values: Numbers, offset: number, columns: number, order: Order = 'as stored'): Matrix {
  return order === 'transposed'
    ? { values, offset, rowStride: 1, columnStride: columns }
    : { values, offset, rowStride: columns, columnStride: 1 };
}

/** The sizes of a product: A is m × k, B is k × n, C is m × n. */
interface ProductSize {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/**
 * C += A · B, with C row-major from `at` on.
 *
 *   cᵢⱼ = ((cᵢⱼ + aᵢ₀b₀ⱼ) + aᵢ₁b₁ⱼ) + …
 *
 * Every product and every sum is rounded to float32, k ascending, so that any device can compute the same bits. float64
 * stays in its own precision; integers wrap.
 */
export type MultiplyAdd = (size: ProductSize, a: Matrix, b: Matrix, c: Numbers, at: number) => void;

/** C is computed in tiles of 2 × 4, whose eight sums stay in registers. */
const tileRows = 2;
const tileColumns = 4;

/** A `MultiplyAdd` for many products of one op: its buffers are reused from one to the next. */
export function createMultiplyAdd(): MultiplyAdd {
  let aPanels = new Float64Array(0);
  let bPanels = new Float64Array(0);
  return (size, a, b, c, at) => {
    if (!(c instanceof Float32Array && a.values instanceof Float32Array && b.values instanceof Float32Array)) {
      multiplyAddPlainly(size, a, b, c, at);
      return;
    }
    const { m, n, k } = size;
    const [aLength, bLength] = [panelsLength(m, k, tileRows), panelsLength(n, k, tileColumns)];
    if (aPanels.length < aLength) aPanels = new Float64Array(aLength);
    if (bPanels.length < bLength) bPanels = new Float64Array(bLength);
    pack(aPanels, tileRows, a.values, a.offset, m, a.rowStride, k, a.columnStride);
    pack(bPanels, tileColumns, b.values, b.offset, n, b.columnStride, k, b.rowStride);
    multiplyPanels(size, aPanels, bPanels, c, at);
  };
}

function panelsLength(lines: number, k: number, width: number): number {
  return Math.ceil(lines / width) * width * k;
}

/**
 * Copies `lines` lines of `k` elements in groups of `width`, element by element: panel[k][width]. What the last group
 * lacks is left as it is; no result depends on it. Panels hold doubles, which the engine computes with: float32 elements
 * would be converted again for every product.
 */
function pack(
  panels: Float64Array,
  width: number,
  values: Float32Array,
  offset: number,
  lines: number,
  lineStride: number,
  k: number,
  stride: number,
): void {
  for (let first = 0; first < lines; first += width) {
    const count = Math.min(width, lines - first);
    for (let line = 0; line < count; line++) {
      let to = first * k + line;
      let from = offset + (first + line) * lineStride;
      for (let p = 0; p < k; p++, to += width, from += stride) panels[to] = values[from]!;
    }
  }
}

function multiplyPanels({ m, n, k }: ProductSize, a: Float64Array, b: Float64Array, c: Float32Array, at: number): void {
  const { fround } = Math;
  for (let j = 0; j < n; j += tileColumns) {
    const columns = Math.min(tileColumns, n - j);
    for (let i = 0; i < m; i += tileRows) {
      const upper = at + i * n + j;
      const lower = i + 1 < m ? upper + n : upper;
      let c00 = c[upper]!;
      let c01 = columns > 1 ? c[upper + 1]! : 0;
      let c02 = columns > 2 ? c[upper + 2]! : 0;
      let c03 = columns > 3 ? c[upper + 3]! : 0;
      let c10 = c[lower]!;
      let c11 = columns > 1 ? c[lower + 1]! : 0;
      let c12 = columns > 2 ? c[lower + 2]! : 0;
      let c13 = columns > 3 ? c[lower + 3]! : 0;
      let aAt = i * k;
      let bAt = j * k;
      for (let p = 0; p < k; p++, aAt += tileRows, bAt += tileColumns) {
        const a0 = a[aAt]!;
        const a1 = a[aAt + 1]!;
        const b0 = b[bAt]!;
        const b1 = b[bAt + 1]!;
        const b2 = b[bAt + 2]!;
        const b3 = b[bAt + 3]!;
        c00 = fround(c00 + fround(a0 * b0));
        c01 = fround(c01 + fround(a0 * b1));
        c02 = fround(c02 + fround(a0 * b2));
        c03 = fround(c03 + fround(a0 * b3));
        c10 = fround(c10 + fround(a1 * b0));
        c11 = fround(c11 + fround(a1 * b1));
        c12 = fround(c12 + fround(a1 * b2));
        c13 = fround(c13 + fround(a1 * b3));
      }
      // The lower row first: where there is none, the upper one takes its place.
      c[lower] = c10;
      if (columns > 1) c[lower + 1] = c11;
      if (columns > 2) c[lower + 2] = c12;
      if (columns > 3) c[lower + 3] = c13;
      c[upper] = c00;
      if (columns > 1) c[upper + 1] = c01;
      if (columns > 2) c[upper + 2] = c02;
      if (columns > 3) c[upper + 3] = c03;
    }
  }
}

/** The same for float64 and integers, without packing. */
function multiplyAddPlainly({ m, n, k }: ProductSize, a: Matrix, b: Matrix, c: Numbers, at: number): void {
  const multiply = c instanceof Float64Array ? (x: number, y: number): number => x * y : Math.imul;
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = a.values[a.offset + i * a.rowStride + p * a.columnStride]!;
      let from = b.offset + p * b.rowStride;
      for (let j = 0; j < n; j++, from += b.columnStride) c[at + i * n + j]! += multiply(x, b.values[from]!);
    }
  }
}
