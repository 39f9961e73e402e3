import { advance, type Body, giveBack, ifElse, upTo } from '../encoder/control.ts';
import type { FunctionHandle, ModuleBuilder } from '../encoder/module-builder.ts';
import { f32, i32 } from '../encoder/scalar.ts';
import { f32x4, v128 } from '../encoder/simd.ts';
import { formats, type KernelDType } from './formats.ts';

/**
 * Sums in the order that the reference device defines, so that both give the same bits: rows longer than 128 are halved
 * at a multiple of 128; a block is summed in four interleaved lanes, (s₀ + s₁) + (s₂ + s₃), and its last elements one by
 * one. Every addition is rounded to float32.
 *
 * @see Higham (1993), The accuracy of floating point summation. SIAM J. Sci. Comput. 14(4), section 4.
 */
const blockLength = 128;

/** The length of the first half of a long row. */
function firstHalf(length: Parameters<typeof i32.add>[0]) {
  return i32.mul(i32.divU(i32.add(length, 2 * blockLength - 1), 2 * blockLength), blockLength);
}

const rowSignature = { row: 'i32', length: 'i32' } as const;

export type SumRow = FunctionHandle<typeof rowSignature, 'f32'>;

/** The sum of `length` neighbouring elements; 0 for none. */
export function defineSumRow(module: ModuleBuilder, dtype: KernelDType): SumRow {
  const { bytes, load4, loadSplat } = formats[dtype];
  return module.defineValue('sumRow', rowSignature, 'f32', (f, { row, length }, sumRow) => {
    const [i, whole, first, sum] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('f32')];
    const [elements, lanes] = [f.local('v128'), f.local('v128')];
    const [even, odd] = [
      f32.add(f32x4.extractLane(lanes, 0), f32x4.extractLane(lanes, 1)),
      f32.add(f32x4.extractLane(lanes, 2), f32x4.extractLane(lanes, 3)),
    ];
    return [
      ifElse(i32.gtS(length, blockLength), [
        first.set(firstHalf(length)),
        giveBack(
          f32.add(
            sumRow.call({ row, length: first }),
            sumRow.call({ row: i32.add(row, i32.mul(first, bytes)), length: i32.sub(length, first) }),
          ),
        ),
      ]),
      whole.set(i32.and(length, -4)),
      upTo(i, whole, 4, [load4(f, row, 0, elements), lanes.set(f32x4.add(lanes, elements)), advance(row, 4 * bytes)]),
      sum.set(f32.add(even, odd)),
      upTo(i, length, 1, [
        loadSplat(f, row, elements),
        sum.set(f32.add(sum, f32x4.extractLane(elements, 0))),
        advance(row, bytes),
      ]),
      giveBack(sum),
    ];
  });
}

const columnSignature = { top: 'i32', rows: 'i32', stride: 'i32', sums: 'i32' } as const;

/**
 * Sums eight neighbouring columns of `rows` elements, `stride` bytes apart, each in the order of `sumRow`. The results, and
 * those of halves on the way, are written from `sums` on: 32 bytes for every time that `rows` can be halved.
 */
export function defineSumColumns(module: ModuleBuilder, dtype: KernelDType): FunctionHandle<typeof columnSignature> {
  const { load8 } = formats[dtype];
  return module.define('sumColumns', columnSignature, (f, { top, rows, stride, sums }, sumColumns) => {
    const [i, whole, first] = [f.local('i32'), f.local('i32'), f.local('i32')];
    const [low, high] = [f.local('v128'), f.local('v128')];
    const lanes = Array.from({ length: 4 }, () => f.locals('v128', 2));
    const addRow = (sum: (typeof lanes)[number]): Body => [
      load8(f, top, 0, low, high),
      sum[0]!.set(f32x4.add(sum[0]!, low)),
      sum[1]!.set(f32x4.add(sum[1]!, high)),
      advance(top, stride),
    ];
    const total = (half: 0 | 1) => {
      const [s0, s1, s2, s3] = lanes.map((sum) => sum[half]!);
      return f32x4.add(f32x4.add(s0!, s1!), f32x4.add(s2!, s3!));
    };
    return [
      ifElse(
        i32.gtS(rows, blockLength),
        [
          first.set(firstHalf(rows)),
          sumColumns.call({ top, rows: first, stride, sums }),
          sumColumns.call({
            top: i32.add(top, i32.mul(first, stride)),
            rows: i32.sub(rows, first),
            stride,
            sums: i32.add(sums, 32),
          }),
          [0, 16].map((offset) =>
            v128.store(sums, f32x4.add(v128.load(sums, offset), v128.load(sums, offset + 32)), offset),
          ),
        ],
        [
          whole.set(i32.and(rows, -4)),
          upTo(i, whole, 4, lanes.map(addRow)),
          lanes[0]!.map((sum, half) => sum.set(total(half as 0 | 1))),
          upTo(i, rows, 1, addRow(lanes[0]!)),
          [0, 1].map((half) => v128.store(sums, lanes[0]![half]!, half * 16)),
        ],
      ),
    ];
  });
}
