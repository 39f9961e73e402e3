import type { Local } from '../encoder/code.ts';
import { advance, type Body, upTo } from '../encoder/control.ts';
import type { FunctionBuilder } from '../encoder/function-builder.ts';
import type { FunctionHandle, ModuleBuilder } from '../encoder/module-builder.ts';
import { f32, i32, minS } from '../encoder/scalar.ts';
import { f32x4, v128 } from '../encoder/simd.ts';
import { type Format, formats, type KernelDType } from '../generate/formats.ts';

const signature = {
  source: 'i32',
  stride: 'i32',
  lines: 'i32',
  depth: 'i32',
  paddedDepth: 'i32',
  panels: 'i32',
} as const;

/**
 * Copies `lines` lines of a matrix (rows of A, columns of B) into panels of `width` lines, as float32:
 *
 *   panels[line / width][k][line % width],  k < depth; zeros up to paddedDepth
 *
 * The lines that a last panel lacks are filled with whatever is near; no sum that is kept reads them.
 */
export type Pack = FunctionHandle<typeof signature>;

/** Whether neighbours in memory are steps of the inner dimension k, or different lines. */
export type Contiguous = 'depth' | 'lines';

export function definePack(
  module: ModuleBuilder,
  name: string,
  dtype: KernelDType,
  width: number,
  contiguous: Contiguous,
): Pack {
  const panel = (contiguous === 'lines' ? copyPanel : transposePanel)(formats[dtype], width);
  return module.define(name, signature, (f, { source, stride, lines, depth, paddedDepth, panels }) => {
    const line = f.local('i32');
    const k = f.local('i32');
    const lastLine = i32.sub(lines, 1);
    const copy = panel(f, { source, stride, line, lastLine, depth, panels });
    return [
      upTo(line, lines, width, [
        copy,
        k.set(depth),
        upTo(k, paddedDepth, 1, [
          Array.from({ length: Math.ceil(width / 4) }, (_, q) => v128.store(panels, f.i32x4(0), q * 16)),
          advance(panels, width * 4),
        ]),
      ]),
    ];
  });
}

interface PanelArguments {
  readonly source: Local<'i32'>;
  readonly stride: Local<'i32'>;
  readonly line: Local<'i32'>;
  readonly lastLine: ReturnType<typeof i32.sub>;
  readonly depth: Local<'i32'>;
  /** Advances past what is written. */
  readonly panels: Local<'i32'>;
}

type Panel = (f: FunctionBuilder, args: PanelArguments) => Body;

/** Lines are neighbours: a panel is a strip of the matrix as it is. */
function copyPanel(format: Format, width: number): Panel {
  return (f, { source, stride, line, depth, panels }) => {
    const [from, k, lanes] = [f.local('i32'), f.local('i32'), f.local('v128')];
    const vectors = Array.from({ length: Math.ceil(width / 4) }, (_, q) => q);
    return [
      from.set(i32.add(source, i32.mul(line, format.bytes))),
      k.set(0),
      upTo(k, depth, 1, [
        vectors.map((q) => [format.load4(f, from, q * 4, lanes), v128.store(panels, lanes, q * 16)]),
        advance(from, stride),
        advance(panels, width * 4),
      ]),
    ];
  };
}

/** Steps of k are neighbours: blocks of four lines by four steps are transposed in registers. */
function transposePanel(format: Format, width: number): Panel {
  return (f, { source, stride, line, lastLine, depth, panels }) => {
    const froms = f.locals('i32', width);
    const [k, whole, element] = [f.local('i32'), f.local('i32'), f.local('v128')];
    const groups = Array.from({ length: Math.ceil(width / 4) }, (_, q) => q * 4);
    return [
      froms.map((from, i) => from.set(i32.add(source, i32.mul(minS(i32.add(line, i), lastLine), stride)))),
      whole.set(i32.and(depth, -4)),
      k.set(0),
      upTo(k, whole, 4, [
        groups.map((first) => transposeGroup(f, format, froms.slice(first, first + 4), panels, first, width)),
        froms.map((from) => advance(from, 4 * format.bytes)),
        advance(panels, width * 16),
      ]),
      upTo(k, depth, 1, [
        froms.map((from, i) => [
          format.loadSplat(f, from, element),
          f32.store(panels, f32x4.extractLane(element, 0), i * 4),
          advance(from, format.bytes),
        ]),
        advance(panels, width * 4),
      ]),
    ];
  };
}

/** Four steps of k of two or four lines, written as four rows of that many elements. */
function transposeGroup(
  f: FunctionBuilder,
  format: Format,
  froms: readonly Local<'i32'>[],
  panels: Local<'i32'>,
  firstLine: number,
  width: number,
): Body {
  const rows = froms.map((_, i) => f.temporary(`row${i}`));
  const [r0, r1, r2, r3] = rows as [Local<'v128'>, Local<'v128'>, Local<'v128'>, Local<'v128'>];
  const offset = (k: number): number => (k * width + firstLine) * 4;
  const early = f.temporary('early');
  const late = f.temporary('late');
  const loads = froms.map((from, i) => format.load4(f, from, 0, rows[i]!));
  // Steps 0 and 1, and steps 2 and 3, of the first two lines, interleaved.
  const firstPair: Body = [
    early.set(v128.shuffle32(r0, r1, [0, 4, 1, 5])),
    late.set(v128.shuffle32(r0, r1, [2, 6, 3, 7])),
  ];
  if (froms.length === 2) {
    return [
      loads,
      firstPair,
      [0, 1, 2, 3].map((k) => v128.store64Lane(panels, k < 2 ? early : late, k % 2 === 0 ? 0 : 1, offset(k))),
    ];
  }
  return [
    loads,
    firstPair,
    r0.set(v128.shuffle32(r2, r3, [0, 4, 1, 5])),
    r1.set(v128.shuffle32(r2, r3, [2, 6, 3, 7])),
    v128.store(panels, v128.shuffle32(early, r0, [0, 1, 4, 5]), offset(0)),
    v128.store(panels, v128.shuffle32(early, r0, [2, 3, 6, 7]), offset(1)),
    v128.store(panels, v128.shuffle32(late, r1, [0, 1, 4, 5]), offset(2)),
    v128.store(panels, v128.shuffle32(late, r1, [2, 3, 6, 7]), offset(3)),
  ];
}
