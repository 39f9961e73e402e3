import type { Local } from '../encoder/code.ts';
import { advance, type Body, countDown, upTo } from '../encoder/control.ts';
import type { FunctionHandle, ModuleBuilder, Signature } from '../encoder/module-builder.ts';
import { i32 } from '../encoder/scalar.ts';
import { f32x4, f64x2, v128 } from '../encoder/simd.ts';
import { eachHalf } from './doubles.ts';
import { formats, type KernelDType } from './formats.ts';
import { defineSumColumns, defineSumRow } from './sums.ts';

export interface ReductionDTypes {
  readonly x: KernelDType;
  readonly out: KernelDType;
}

/** Divides sums by how many elements they combine, with a single rounding, in place; a divisor of 1 changes nothing. */
function divide(sums: Local<'v128'>, divisor: Local<'f64'>): Body {
  return eachHalf(({ widen, narrow }) => narrow(sums, f64x2.div(widen(sums), f64x2.splat(divisor))));
}

/** `reduceRows(x, out, rows, length, divisor)`: the sum of each row, divided. */
export function defineReduceRows(module: ModuleBuilder, dtypes: ReductionDTypes): FunctionHandle<Signature> {
  const [from, to] = [formats[dtypes.x], formats[dtypes.out]];
  const sumRow = defineSumRow(module, dtypes.x);
  const signature = { x: 'i32', out: 'i32', rows: 'i32', length: 'i32', divisor: 'f64' } as const;
  return module.define('reduceRows', signature, (f, { x, out, rows, length, divisor }) => {
    const sum = f.local('v128');
    return [
      countDown(rows, [
        sum.set(f32x4.splat(sumRow.call({ row: x, length }))),
        divide(sum, divisor),
        // Eight copies, of which the next row overwrites all but the first.
        to.store8(f, out, 0, sum, sum),
        advance(x, i32.mul(length, from.bytes)),
        advance(out, to.bytes),
      ]),
    ];
  });
}

/** `reduceColumns(x, out, rows, columns, divisor, workspace)`: the sum of each column, divided. */
export function defineReduceColumns(module: ModuleBuilder, dtypes: ReductionDTypes): FunctionHandle<Signature> {
  const [from, to] = [formats[dtypes.x], formats[dtypes.out]];
  const sumColumns = defineSumColumns(module, dtypes.x);
  const signature = { x: 'i32', out: 'i32', rows: 'i32', columns: 'i32', divisor: 'f64', workspace: 'i32' } as const;
  return module.define('reduceColumns', signature, (f, { x, out, rows, columns, divisor, workspace }) => {
    const [j, low, high] = [f.local('i32'), f.local('v128'), f.local('v128')];
    return [
      upTo(j, columns, 8, [
        sumColumns.call({ top: x, rows, stride: i32.mul(columns, from.bytes), sums: workspace }),
        low.set(v128.load(workspace)),
        high.set(v128.load(workspace, 16)),
        divide(low, divisor),
        divide(high, divisor),
        to.store8(f, out, 0, low, high),
        advance(x, 8 * from.bytes),
        advance(out, 8 * to.bytes),
      ]),
    ];
  });
}
