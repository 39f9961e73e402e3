import { advance, countDown, ifElse, upTo } from '../encoder/control.ts';
import type { FunctionHandle, ModuleBuilder } from '../encoder/module-builder.ts';
import { f32, i32, minS } from '../encoder/scalar.ts';
import { defineMicroKernel } from './micro-kernel.ts';
import type { Tile } from './tile.ts';

const signature = {
  a: 'i32',
  b: 'i32',
  c: 'i32',
  cStride: 'i32',
  base: 'i32',
  baseStride: 'i32',
  rows: 'i32',
  columns: 'i32',
  depth: 'i32',
  edge: 'i32',
} as const;

/**
 * `rows` × `columns` of C from packed panels of A and B of `depth` steps, plus the block at `base` unless that is 0.
 *
 * A tile that reaches over the border of C is computed at `edge`, in memory to spare, and copied from there.
 */
export function defineBlockKernel(module: ModuleBuilder, tile: Tile): FunctionHandle<typeof signature> {
  const microKernel = defineMicroKernel(module, tile);
  const copyTile = defineCopyTile(module, tile);
  return module.define('blockKernel', signature, (f, block) => {
    const { a, b, c, cStride, base, baseStride, rows, columns, depth, edge } = block;
    const [i, j, panelOfA, panelOfB] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
    const [tileOfC, tileOfBase, rowsLeft, columnsLeft] = [
      f.local('i32'),
      f.local('i32'),
      f.local('i32'),
      f.local('i32'),
    ];
    const steps = i32.divU(depth, tile.unroll);
    const isWhole = i32.and(i32.geS(rowsLeft, tile.rows), i32.geS(columnsLeft, tile.columns));
    return [
      panelOfB.set(b),
      upTo(j, columns, tile.columns, [
        panelOfA.set(a),
        tileOfC.set(i32.add(c, i32.shl(j, 2))),
        tileOfBase.set(0),
        ifElse(base, [tileOfBase.set(i32.add(base, i32.shl(j, 2)))]),
        columnsLeft.set(i32.sub(columns, j)),
        i.set(0),
        upTo(i, rows, tile.rows, [
          rowsLeft.set(i32.sub(rows, i)),
          ifElse(
            isWhole,
            [microKernel.call({ steps, a: panelOfA, b: panelOfB, c: tileOfC, cStride, base: tileOfBase, baseStride })],
            [
              microKernel.call({
                steps,
                a: panelOfA,
                b: panelOfB,
                c: edge,
                cStride: tile.columns * 4,
                base: 0,
                baseStride: 0,
              }),
              copyTile.call({
                from: edge,
                to: tileOfC,
                toStride: cStride,
                base: tileOfBase,
                baseStride,
                rows: minS(rowsLeft, tile.rows),
                columns: minS(columnsLeft, tile.columns),
              }),
            ],
          ),
          advance(panelOfA, i32.mul(depth, tile.rows * 4)),
          advance(tileOfC, i32.mul(cStride, tile.rows)),
          ifElse(base, [advance(tileOfBase, i32.mul(baseStride, tile.rows))]),
        ]),
        advance(panelOfB, i32.mul(depth, tile.columns * 4)),
      ]),
    ];
  });
}

const copySignature = {
  from: 'i32',
  to: 'i32',
  toStride: 'i32',
  base: 'i32',
  baseStride: 'i32',
  rows: 'i32',
  columns: 'i32',
} as const;

/** Copies the part of a tile that lies inside C, plus what is at `base`. */
function defineCopyTile(module: ModuleBuilder, tile: Tile): FunctionHandle<typeof copySignature> {
  return module.define('copyTile', copySignature, (f, { from, to, toStride, base, baseStride, rows, columns }) => {
    const [j, sum] = [f.local('i32'), f.local('f32')];
    const at = (pointer: typeof from) => i32.add(pointer, i32.shl(j, 2));
    return [
      countDown(rows, [
        j.set(0),
        upTo(j, columns, 1, [
          sum.set(f32.load(at(from))),
          ifElse(base, [sum.set(f32.add(f32.load(at(base)), sum))]),
          f32.store(at(to), sum),
        ]),
        advance(from, tile.columns * 4),
        advance(to, toStride),
        ifElse(base, [advance(base, baseStride)]),
      ]),
    ];
  });
}
