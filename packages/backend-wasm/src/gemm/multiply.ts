import type { WasmFunction } from '../encoder/webassembly.ts';
import type { Engine } from '../engine.ts';
import { formats, type KernelDType } from '../generate/formats.ts';
import { castElements } from '../kernels/elementwise.ts';
import { defineBlockKernel } from './block-kernel.ts';
import { definePack } from './pack.ts';
import { blockDepth, blockRows, type Tile, tileFor } from './tile.ts';

/** One product C = op(A) · op(B) + bias of matrices in the linear memory, all row-major and of one dtype. */
export interface Product {
  readonly dtype: KernelDType;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** A row that is added to every row of C; 0 for none. */
  readonly bias: number;
}

/**
 * Computes a product, none of whose sizes may be 0.
 *
 * All of B is packed once, in blocks of k; then, block of rows by block of rows, A is packed and multiplied. Packing widens
 * 16-bit elements, sums are float32, and each element of C is rounded once, when its block is complete (AMP.md D3.3).
 *
 * @see Goto & van de Geijn (2008), Anatomy of High-Performance Matrix Multiplication. ACM TOMS 34(3).
 */
export function multiply(engine: Engine, product: Product): void {
  const { dtype, m, n, k } = product;
  const { bytes } = formats[dtype];
  const tile = tileFor(engine);
  const kernels = kernelsFor(engine, product, tile);
  const depths = blocksOf(k, blockDepth).map((block) => ({ ...block, padded: roundUp(block.size, tile.unroll) }));
  const paddedColumns = roundUp(n, tile.columns);
  const packedDepth = depths.reduce((sum, { padded }) => sum + padded, 0);
  const rowsAtOnce = Math.min(m, blockRows);
  const rounds = dtype !== 'float32';
  const [aStride, bStride] = [(product.transposeA ? m : k) * bytes, (product.transposeB ? k : n) * bytes];

  const layout = layOut({
    edge: tile.rows * tile.columns,
    bias: rounds ? paddedColumns : 0,
    a: roundUp(rowsAtOnce, tile.rows) * roundUp(Math.min(k, blockDepth), tile.unroll),
    b: paddedColumns * packedDepth,
    c: rounds ? rowsAtOnce * n : 0,
  });
  engine.memory.lend(layout.bytes, (workspace) => {
    const at = (part: keyof typeof layout.offsets): number => workspace + layout.offsets[part];
    const bias = wideBias(engine, product, at('bias'));

    let panelsOfB = at('b');
    for (const { start, size, padded } of depths) {
      const source = product.b + start * (product.transposeB ? bytes : bStride);
      kernels.packB(source, bStride, n, size, padded, panelsOfB);
      panelsOfB += 4 * padded * paddedColumns;
    }
    for (const rows of blocksOf(m, blockRows)) {
      const target = product.c + rows.start * n * bytes;
      const c = rounds ? at('c') : target;
      panelsOfB = at('b');
      for (const { start, size, padded } of depths) {
        const [alongRows, alongDepth] = product.transposeA ? [bytes, aStride] : [aStride, bytes];
        const source = product.a + rows.start * alongRows + start * alongDepth;
        kernels.packA(source, aStride, rows.size, size, padded, at('a'));
        // The first block of k starts from the bias, each later one from what is there already.
        const [base, baseStride] = start === 0 ? [bias, 0] : [c, n * 4];
        kernels.multiply(at('a'), panelsOfB, c, n * 4, base, baseStride, rows.size, n, padded, at('edge'));
        panelsOfB += 4 * padded * paddedColumns;
      }
      if (rounds) castElements(engine, 'float32', c, dtype, target, rows.size * n);
    }
  });
}

interface GemmKernels {
  readonly packA: WasmFunction;
  readonly packB: WasmFunction;
  readonly multiply: WasmFunction;
}

function kernelsFor(engine: Engine, { dtype, transposeA, transposeB }: Product, tile: Tile): GemmKernels {
  const name = `gemm ${dtype} ${transposeA ? 't' : 'n'}${transposeB ? 't' : 'n'}`;
  return engine.compiled(name, (module) => ({
    packA: definePack(module, 'packA', dtype, tile.rows, transposeA ? 'lines' : 'depth'),
    packB: definePack(module, 'packB', dtype, tile.columns, transposeB ? 'depth' : 'lines'),
    multiply: defineBlockKernel(module, tile),
  }));
}

/** The bias as float32, at `workspace` if it is not stored so; 0 if there is none. */
function wideBias(engine: Engine, { dtype, bias, n }: Product, workspace: number): number {
  if (bias === 0 || dtype === 'float32') return bias;
  castElements(engine, dtype, bias, 'float32', workspace, n);
  return workspace;
}

interface Block {
  readonly start: number;
  readonly size: number;
}

function blocksOf(total: number, size: number): Block[] {
  return Array.from({ length: Math.ceil(total / size) }, (_, i) => ({
    start: i * size,
    size: Math.min(size, total - i * size),
  }));
}

/** Places parts of so many floats one after the other, each with a group of floats to spare behind it. */
function layOut<P extends string>(
  floats: Readonly<Record<P, number>>,
): { readonly bytes: number; readonly offsets: Readonly<Record<P, number>> } {
  let bytes = 0;
  const offsets = Object.entries<number>(floats).map(([part, count]) => {
    const offset = bytes;
    bytes += 4 * roundUp(count + 8, 16);
    return [part, offset];
  });
  return { bytes, offsets: Object.fromEntries(offsets) as Record<P, number> };
}

function roundUp(n: number, multiple: number): number {
  return Math.ceil(n / multiple) * multiple;
}
