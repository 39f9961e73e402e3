import { sizeOf, type TensorSpec } from '@halfgrad/core';
import { planBroadcast } from '../broadcast.ts';
import { f32x4, v128 } from '../encoder/simd.ts';
import type { WasmFunction } from '../encoder/webassembly.ts';
import type { Engine } from '../engine.ts';
import {
  defineMap,
  defineZip,
  type MapLanes,
  type Step,
  type ZipLanes,
  type ZipOperand,
} from '../generate/elementwise.ts';
import { formats, isKernelDType, type KernelDType } from '../generate/formats.ts';
import type { WasmTensor } from '../wasm-tensor.ts';
import type { FastKernels } from './fast-kernel.ts';

/** Every op of two operands that is a single rounding of exact arithmetic, or none. */
const zipLanes = {
  add: (_, a, b) => f32x4.add(a, b),
  sub: (_, a, b) => f32x4.sub(a, b),
  mul: (_, a, b) => f32x4.mul(a, b),
  div: (_, a, b) => f32x4.div(a, b),
  // As the reference decides between zeros: b unless a is greater, or NaN.
  maximum: (_, a, b) => v128.bitselect(a, b, v128.or(f32x4.gt(a, b), f32x4.ne(a, a))),
  minimum: (_, a, b) => v128.bitselect(a, b, v128.or(f32x4.lt(a, b), f32x4.ne(a, a))),
  reluGrad: (f, gradOut, out) => v128.and(gradOut, f32x4.gt(out, f.f32x4(0))),
} as const satisfies Readonly<Record<string, ZipLanes>>;

/** The same for one operand. */
const mapLanes = {
  neg: (_, x) => f32x4.neg(x),
  abs: (_, x) => f32x4.abs(x),
  sqrt: (_, x) => f32x4.sqrt(x),
  reciprocal: (f, x) => f32x4.div(f.f32x4(1), x),
  relu: (f, x) => f32x4.max(x, f.f32x4(0)),
  cast: (_, x) => x,
} as const satisfies Readonly<Record<string, MapLanes>>;

type MapName = keyof typeof mapLanes;
type ZipName = keyof typeof zipLanes;

type Unary = (inputs: { x: WasmTensor }, attrs: unknown, out: TensorSpec) => WasmTensor | undefined;
type Binary = (inputs: { a: WasmTensor; b: WasmTensor }, attrs: unknown, out: TensorSpec) => WasmTensor | undefined;

/** Elementwise ops on the float dtypes, in any combination and with broadcasting. */
export function elementwiseKernels(engine: Engine): FastKernels {
  const mapped = (op: MapName): Unary => {
    return ({ x }, _, out) => map(engine, op, x, out);
  };
  const zipped = (op: ZipName): Binary => {
    return ({ a, b }, _, out) => zip(engine, op, a, b, out);
  };
  return {
    add: zipped('add'),
    sub: zipped('sub'),
    mul: zipped('mul'),
    div: zipped('div'),
    maximum: zipped('maximum'),
    minimum: zipped('minimum'),
    reluGrad: ({ gradOut, out: y }, _, out) => zip(engine, 'reluGrad', gradOut, y, out),
    neg: mapped('neg'),
    abs: mapped('abs'),
    sqrt: mapped('sqrt'),
    reciprocal: mapped('reciprocal'),
    relu: mapped('relu'),
    cast: mapped('cast'),
  };
}

function map(engine: Engine, op: MapName, x: WasmTensor, out: TensorSpec): WasmTensor | undefined {
  if (!isKernelDType(x.dtype) || !isKernelDType(out.dtype)) return undefined;
  const result = engine.memory.create(out);
  mapElements(engine, op, x.dtype, x.block.pointer, out.dtype, result.block.pointer, sizeOf(out.shape));
  return result;
}

/** Converts `count` elements at `x` to another format at `out`. */
export function castElements(
  engine: Engine,
  xDType: KernelDType,
  x: number,
  outDType: KernelDType,
  out: number,
  count: number,
): void {
  mapElements(engine, 'cast', xDType, x, outDType, out, count);
}

function mapElements(
  engine: Engine,
  op: MapName,
  xDType: KernelDType,
  x: number,
  outDType: KernelDType,
  out: number,
  count: number,
): void {
  if (count === 0) return;
  const { map } = engine.compiled(`${op} ${xDType} ${outDType}`, (module) => ({
    map: defineMap(module, mapLanes[op], { x: xDType, out: outDType }),
  }));
  map(x, out, count);
}

function zip(engine: Engine, op: ZipName, a: WasmTensor, b: WasmTensor, out: TensorSpec): WasmTensor | undefined {
  if (!isKernelDType(a.dtype) || !isKernelDType(b.dtype) || !isKernelDType(out.dtype)) return undefined;
  const result = engine.memory.create(out);
  if (sizeOf(out.shape) === 0) return result;
  const { columns, columnStrides, rows, rowStrides, starts } = planBroadcast(out.shape, a.shape, b.shape);
  const [aBytes, bBytes, outBytes] = [formats[a.dtype].bytes, formats[b.dtype].bytes, formats[out.dtype].bytes];
  const run = zipKernel(
    engine,
    op,
    { dtype: a.dtype, step: stepOf(columnStrides[0]) },
    { dtype: b.dtype, step: stepOf(columnStrides[1]) },
    out.dtype,
  );
  let position = result.block.pointer;
  for (const [aStart, bStart] of starts) {
    const [left, right] = [a.block.pointer + aStart * aBytes, b.block.pointer + bStart * bBytes];
    run(left, right, position, rows, columns, rowStrides[0] * aBytes, rowStrides[1] * bBytes);
    position += rows * columns * outBytes;
  }
  return result;
}

function zipKernel(engine: Engine, op: ZipName, a: ZipOperand, b: ZipOperand, out: KernelDType): WasmFunction {
  const name = `${op} ${a.dtype} ${a.step} ${b.dtype} ${b.step} ${out}`;
  return engine.compiled(name, (module) => ({ zip: defineZip(module, zipLanes[op], { a, b, out }) })).zip;
}

function stepOf(stride: number): Step {
  return stride === 0 ? 'repeat' : 'element';
}
