import type { Local, Value } from '../encoder/code.ts';
import { advance, type Body, countDown, ifElse } from '../encoder/control.ts';
import type { FunctionHandle, ModuleBuilder } from '../encoder/module-builder.ts';
import { f32x4, v128 } from '../encoder/simd.ts';
import type { Tile } from './tile.ts';

const signature = {
  steps: 'i32',
  a: 'i32',
  b: 'i32',
  c: 'i32',
  cStride: 'i32',
  base: 'i32',
  baseStride: 'i32',
} as const;

export type MicroKernel = FunctionHandle<typeof signature>;

/**
 * One tile of C from a panel of A and a panel of B, plus the tile at `base` unless that is 0.
 *
 *   cᵢⱼ = baseᵢⱼ + Σₖ aₖᵢ · bₖⱼ
 *
 * The sums stay in registers; per k a row of B is loaded once, and every element of A is spread over a vector. `steps`
 * counts iterations of `unroll` and must not be 0. Strides are in bytes.
 */
export function defineMicroKernel(module: ModuleBuilder, { rows, columns, unroll, madd }: Tile): MicroKernel {
  const vectors = columns / 4;
  return module.define('microKernel', signature, (f, { steps, a, b, c, cStride, base, baseStride }) => {
    const sums = Array.from({ length: rows }, () => f.locals('v128', vectors));
    const rowOfB = f.locals('v128', vectors);
    const elementOfA = f.local('v128');
    const multiplyAdd = (x: Local<'v128'>, y: Local<'v128'>, sum: Local<'v128'>): Value<'v128'> =>
      madd === 'relaxed' ? f32x4.relaxedMadd(x, y, sum) : f32x4.add(f32x4.mul(x, y), sum);

    const step = (k: number): Body => [
      rowOfB.map((vector, j) => vector.set(v128.load(b, (k * vectors + j) * 16))),
      sums.map((rowOfC, i) => [
        elementOfA.set(v128.load32Splat(a, (k * rows + i) * 4)),
        rowOfC.map((sum, j) => sum.set(multiplyAdd(elementOfA, rowOfB[j]!, sum))),
      ]),
    ];

    return [
      countDown(steps, [
        Array.from({ length: unroll }, (_, k) => step(k)),
        advance(a, unroll * rows * 4),
        advance(b, unroll * columns * 4),
      ]),
      ifElse(base, [
        sums.map((rowOfC) => [
          rowOfC.map((sum, j) => sum.set(f32x4.add(v128.load(base, j * 16), sum))),
          advance(base, baseStride),
        ]),
      ]),
      sums.map((rowOfC) => [rowOfC.map((sum, j) => v128.store(c, sum, j * 16)), advance(c, cStride)]),
    ];
  });
}
