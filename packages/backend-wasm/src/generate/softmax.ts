import type { Local, Value } from '../encoder/code.ts';
import { advance, type Body, countDown, upTo } from '../encoder/control.ts';
import type { FunctionBuilder } from '../encoder/function-builder.ts';
import type { FunctionHandle, ModuleBuilder, Signature } from '../encoder/module-builder.ts';
import { i32 } from '../encoder/scalar.ts';
import { f32x4, v128 } from '../encoder/simd.ts';
import { formats, type KernelDType } from './formats.ts';
import { exp, log } from './functions.ts';
import { defineSumRow } from './sums.ts';

type Pointer = Local<'i32'>;
type VectorLocal = Local<'v128'>;

export interface SoftmaxDTypes {
  readonly x: KernelDType;
  readonly out: KernelDType;
}

/**
 * `softmax(x, out, rows, length, workspace)` along rows; the workspace is one row of float32.
 *
 *   exp(x − max) / Σ exp(x − max)   or   x − max − ln Σ exp(x − max)
 */
export function defineSoftmax(
  module: ModuleBuilder,
  kind: 'softmax' | 'logSoftmax',
  dtypes: SoftmaxDTypes,
): FunctionHandle<Signature> {
  const [from, to] = [formats[dtypes.x], formats[dtypes.out]];
  const sumRow = defineSumRow(module, 'float32');
  const signature = { x: 'i32', out: 'i32', rows: 'i32', length: 'i32', workspace: 'i32' } as const;
  return module.define('softmax', signature, (f, { x, out, rows, length, workspace }) => {
    const [low, high, highest, total] = f.locals('v128', 4) as [VectorLocal, VectorLocal, VectorLocal, VectorLocal];
    const powers = inRow(
      f,
      length,
      [
        [x, from.bytes],
        [workspace, 4],
      ],
      ([source, target]) => [
        from.load8(f, source!, 0, low, high),
        [low, high].map((lanes) => [lanes.set(f32x4.sub(lanes, highest)), exp(f, lanes, lanes)]),
        formats.float32.store8(f, target!, 0, low, high),
      ],
    );
    const quotients = inRow(
      f,
      length,
      [
        [workspace, 4],
        [out, to.bytes],
      ],
      ([source, target]) => [
        formats.float32.load8(f, source!, 0, low, high),
        [low, high].map((lanes) => lanes.set(f32x4.div(lanes, total))),
        to.store8(f, target!, 0, low, high),
      ],
    );
    const differences = inRow(
      f,
      length,
      [
        [x, from.bytes],
        [out, to.bytes],
      ],
      ([source, target]) => [
        from.load8(f, source!, 0, low, high),
        [low, high].map((lanes) => lanes.set(f32x4.sub(f32x4.sub(lanes, highest), total))),
        to.store8(f, target!, 0, low, high),
      ],
    );
    return [
      countDown(rows, [
        rowMaximum(f, dtypes.x, x, length, highest),
        powers,
        total.set(f32x4.splat(sumRow.call({ row: workspace, length }))),
        kind === 'softmax' ? quotients : [log(f, total, total), differences],
        advance(x, i32.mul(length, from.bytes)),
        advance(out, i32.mul(length, to.bytes)),
      ]),
    ];
  });
}

export interface SoftmaxGradDTypes {
  readonly gradOut: KernelDType;
  readonly y: KernelDType;
  readonly out: KernelDType;
}

/**
 * `softmaxGrad(gradOut, y, out, rows, length, workspace)`, where y is the result of the forward pass:
 *
 *   y · (g − Σ g·y)   or   g − exp(y) · Σ g
 */
export function defineSoftmaxGrad(
  module: ModuleBuilder,
  kind: 'softmaxGrad' | 'logSoftmaxGrad',
  dtypes: SoftmaxGradDTypes,
): FunctionHandle<Signature> {
  const [ofGrad, ofY, to] = [formats[dtypes.gradOut], formats[dtypes.y], formats[dtypes.out]];
  const sumRow = defineSumRow(module, 'float32');
  const signature = {
    gradOut: 'i32',
    y: 'i32',
    out: 'i32',
    rows: 'i32',
    length: 'i32',
    workspace: 'i32',
  } as const;
  return module.define('softmaxGrad', signature, (f, { gradOut, y, out, rows, length, workspace }) => {
    const [g0, g1, y0, y1, total] = f.locals('v128', 5) as [
      VectorLocal,
      VectorLocal,
      VectorLocal,
      VectorLocal,
      VectorLocal,
    ];
    const pairs = [
      [g0, y0],
      [g1, y1],
    ] as const;
    const eachGroup = (body: (target: Pointer) => Body, target: readonly [Pointer, number]): Body =>
      inRow(f, length, [[gradOut, ofGrad.bytes], [y, ofY.bytes], target], ([grads, values, to]) => [
        ofGrad.load8(f, grads!, 0, g0, g1),
        ofY.load8(f, values!, 0, y0, y1),
        body(to!),
      ]);
    const summand = (g: VectorLocal, y: VectorLocal): Value<'v128'> => (kind === 'softmaxGrad' ? f32x4.mul(g, y) : g);
    const result = (g: VectorLocal, y: VectorLocal): Body =>
      kind === 'softmaxGrad'
        ? [g.set(f32x4.mul(y, f32x4.sub(g, total)))]
        : [exp(f, y, y), g.set(f32x4.sub(g, f32x4.mul(y, total)))];
    return [
      countDown(rows, [
        eachGroup(
          (target) => [pairs.map(([g, y]) => g.set(summand(g, y))), formats.float32.store8(f, target, 0, g0, g1)],
          [workspace, 4],
        ),
        total.set(f32x4.splat(sumRow.call({ row: workspace, length }))),
        eachGroup((target) => [pairs.map(([g, y]) => result(g, y)), to.store8(f, target, 0, g0, g1)], [out, to.bytes]),
        advance(gradOut, i32.mul(length, ofGrad.bytes)),
        advance(y, i32.mul(length, ofY.bytes)),
        advance(out, i32.mul(length, to.bytes)),
      ]),
    ];
  });
}

/** Runs `body` for every eight elements of a row, with pointers that start at the rows given, of so many bytes an element. */
function inRow(
  f: FunctionBuilder,
  length: Pointer,
  rows: readonly (readonly [row: Pointer, bytes: number])[],
  body: (pointers: readonly Pointer[]) => Body,
): Body {
  const i = f.local('i32');
  const pointers = rows.map(([row, bytes]) => ({ row, bytes, pointer: f.local('i32') }));
  return [
    pointers.map(({ pointer, row }) => pointer.set(row)),
    i.set(0),
    upTo(i, length, 8, [
      body(pointers.map(({ pointer }) => pointer)),
      pointers.map(({ pointer, bytes }) => advance(pointer, 8 * bytes)),
    ]),
  ];
}

/** `highest` = the largest of `length` elements, in every lane; NaN if any is. */
function rowMaximum(f: FunctionBuilder, dtype: KernelDType, row: Pointer, length: Pointer, highest: VectorLocal): Body {
  const { bytes, load4, loadSplat } = formats[dtype];
  const [pointer, i, whole, lanes] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('v128')];
  const includeLanes = (order: readonly number[]) =>
    highest.set(f32x4.max(highest, v128.shuffle32(highest, highest, order)));
  return [
    highest.set(f.f32x4(Number.NEGATIVE_INFINITY)),
    pointer.set(row),
    whole.set(i32.and(length, -4)),
    i.set(0),
    upTo(i, whole, 4, [
      load4(f, pointer, 0, lanes),
      highest.set(f32x4.max(highest, lanes)),
      advance(pointer, 4 * bytes),
    ]),
    upTo(i, length, 1, [loadSplat(f, pointer, lanes), highest.set(f32x4.max(highest, lanes)), advance(pointer, bytes)]),
    includeLanes([2, 3, 0, 1]),
    includeLanes([1, 0, 3, 2]),
  ];
}
