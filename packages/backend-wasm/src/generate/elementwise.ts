import type { Local, Value } from '../encoder/code.ts';
import { advance, type Body, doWhile } from '../encoder/control.ts';
import type { FunctionBuilder } from '../encoder/function-builder.ts';
import type { FunctionHandle, ModuleBuilder, Signature } from '../encoder/module-builder.ts';
import { i32 } from '../encoder/scalar.ts';
import { formats, type KernelDType } from './formats.ts';

type Vector = Value<'v128'>;
type VectorLocal = Local<'v128'>;

/** Four elements of a result from four of one operand. */
export type MapLanes = (f: FunctionBuilder, x: VectorLocal) => Vector;

/** Four elements of a result from four of each operand. */
export type ZipLanes = (f: FunctionBuilder, a: VectorLocal, b: VectorLocal) => Vector;

export interface MapDTypes {
  readonly x: KernelDType;
  readonly out: KernelDType;
}

/** `map(x, out, count)`: applies `lanes` to `count` elements, which must not be none. */
export function defineMap(module: ModuleBuilder, lanes: MapLanes, dtypes: MapDTypes): FunctionHandle<Signature> {
  const [from, to] = [formats[dtypes.x], formats[dtypes.out]];
  return module.define('map', { x: 'i32', out: 'i32', count: 'i32' }, (f, { x, out, count }) => {
    const [low, high] = [f.local('v128'), f.local('v128')];
    return [
      doWhile(
        [
          from.load8(f, x, 0, low, high),
          low.set(lanes(f, low)),
          high.set(lanes(f, high)),
          to.store8(f, out, 0, low, high),
          advance(x, 8 * from.bytes),
          advance(out, 8 * to.bytes),
          advance(count, -8),
        ],
        i32.gtS(count, 0),
      ),
    ];
  });
}

/** How an operand moves along a row: from element to element, or not at all. */
export type Step = 'element' | 'repeat';

export interface ZipOperand {
  readonly dtype: KernelDType;
  readonly step: Step;
}

/**
 * `zip(a, b, out, rows, columns, aStride, bStride)`: applies `lanes` to every pair of elements, with strides in bytes from
 * one row of an operand to the next, 0 where all rows read the same.
 *
 * The last group of a row writes over the beginning of the next one, which is computed afterwards; that of the last row
 * ends in the margin of the block.
 */
export function defineZip(
  module: ModuleBuilder,
  lanes: ZipLanes,
  operands: { readonly a: ZipOperand; readonly b: ZipOperand; readonly out: KernelDType },
): FunctionHandle<Signature> {
  const to = formats[operands.out];
  return module.define(
    'zip',
    { a: 'i32', b: 'i32', out: 'i32', rows: 'i32', columns: 'i32', aStride: 'i32', bStride: 'i32' },
    (f, { a, b, out, rows, columns, aStride, bStride }) => {
      const [left, right] = [readRow(f, operands.a, a), readRow(f, operands.b, b)];
      const [position, remaining] = [f.local('i32'), f.local('i32')];
      return [
        doWhile(
          [
            left.start,
            right.start,
            position.set(out),
            remaining.set(columns),
            doWhile(
              [
                left.next,
                right.next,
                left.low.set(lanes(f, left.low, right.low)),
                left.high.set(lanes(f, left.high, right.high)),
                to.store8(f, position, 0, left.low, left.high),
                advance(position, 8 * to.bytes),
                advance(remaining, -8),
              ],
              i32.gtS(remaining, 0),
            ),
            advance(a, aStride),
            advance(b, bStride),
            advance(out, i32.mul(columns, to.bytes)),
            advance(rows, -1),
          ],
          rows,
        ),
      ];
    },
  );
}

/** The code that reads one operand of a row, eight elements at a time, into `low` and `high`. */
function readRow(
  f: FunctionBuilder,
  { dtype, step }: ZipOperand,
  row: Local<'i32'>,
): { readonly start: Body; readonly next: Body; readonly low: VectorLocal; readonly high: VectorLocal } {
  const format = formats[dtype];
  const [low, high] = [f.local('v128'), f.local('v128')];
  if (step === 'repeat') {
    const element = f.local('v128');
    return { start: format.loadSplat(f, row, element), next: [low.set(element), high.set(element)], low, high };
  }
  const position = f.local('i32');
  const next = [format.load8(f, position, 0, low, high), advance(position, 8 * format.bytes)];
  return { start: [position.set(row)], next, low, high };
}
