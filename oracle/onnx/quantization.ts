import {
  add,
  cast,
  clamp,
  concat,
  type DType,
  div,
  isFloat8,
  mul,
  narrow,
  reshape,
  round,
  sub,
  type Tensor,
} from '@halfgrad/core';
import { Missing } from '../suite.ts';
import type { OnnxCall, OnnxOp } from './graph.ts';
import { dtypeOfElementType } from './tensors.ts';

/** A scale or zero point as large as `x`, or as small as it takes to broadcast: one, one per slice, or one per block. */
function spreadOver(x: Tensor, parameter: Tensor, axis: number, blockSize: number): Tensor {
  if (parameter.size === 1) return reshape(parameter, []);
  if (blockSize === 0)
    return reshape(
      parameter,
      x.shape.map((_, dim) => (dim === axis ? -1 : 1)),
    );
  const blocks = Array.from({ length: parameter.shape[axis] as number }, (_, i) => narrow(parameter, axis, i, 1));
  return concat(
    blocks.flatMap((block) => new Array<Tensor>(blockSize).fill(block)),
    axis,
  );
}

function placeOf(call: OnnxCall): { x: Tensor; over: (parameter: Tensor) => Tensor } {
  const x = call.input(0);
  const axis = call.int('axis', 1);
  return { x, over: (parameter) => spreadOver(x, parameter, axis, call.int('block_size', 0)) };
}

/** round(x / scale) + zero point, within the range of the dtype; 8-bit floats round by themselves. */
function quantize(call: OnnxCall): Tensor {
  const { x, over } = placeOf(call);
  const zeroPoint = call.optional(2);
  const dtype: DType = zeroPoint?.dtype ?? dtypeOfElementType(call.int('output_dtype', 2));
  const scaled = div(x, over(call.input(1)));
  if (isFloat8(dtype)) return cast(scaled, dtype, { saturate: call.int('saturate', 1) === 1 });
  if (dtype !== 'uint8') throw new Missing(`quantisation to ${dtype}`);
  const rounded = zeroPoint ? add(round(scaled), cast(over(zeroPoint), x.dtype)) : round(scaled);
  return cast(clamp(rounded, { min: 0, max: 255 }), dtype);
}

/** (x − zero point) · scale */
function dequantize(call: OnnxCall): Tensor {
  const { x, over } = placeOf(call);
  const [scale, zeroPoint] = [call.input(1), call.optional(2)];
  const wide = cast(x, scale.dtype);
  return mul(zeroPoint ? sub(wide, cast(over(zeroPoint), scale.dtype)) : wide, over(scale));
}

/** Quantisation written with casts, by name. */
export const quantizationOps: Readonly<Record<string, OnnxOp>> = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
};
