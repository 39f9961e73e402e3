import {
  type Attrs,
  allocateHost,
  encodeNumbers,
  type HostData,
  type Inputs,
  stridesOf,
  type TensorSpec,
} from '@halfgrad/core';
import { castTo, countOf, createHostTensor, type HostTensor, shareBlock } from '../host-tensor.ts';
import { broadcastStrides, planLoop } from './layout.ts';

/** Raw elements by width. Four types and no more, so that the engine keeps the copying loops fast. */
type Bits = Uint8Array | Uint16Array | Int32Array | Float64Array;

function bitsOf(data: HostData): Bits {
  return data instanceof Float32Array ? new Int32Array(data.buffer, data.byteOffset, data.length) : data;
}

/** A place in memory, walked through with strides. */
interface View {
  readonly data: HostData;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** Copies elements of one layout to another, for every index into `shape`. */
export function copyElements(shape: readonly number[], to: View, from: View): void {
  if (shape.includes(0)) return;
  const target = bitsOf(to.data);
  const source = bitsOf(from.data);
  const { rows, length, starts, steps } = planLoop(shape, [to.strides, from.strides]);
  const targetStarts = starts[0]!.map((start) => start + to.offset);
  const sourceStarts = starts[1]!.map((start) => start + from.offset);
  if (steps[0] !== 1 || steps[1] !== 1) {
    copyTiles(target, targetStarts, steps[0]!, source, sourceStarts, steps[1]!, rows, length);
    return;
  }
  for (let r = 0; r < rows; r++) {
    const at = targetStarts[r]!;
    const start = sourceStarts[r]!;
    if (length >= bulkLength) target.set(source.subarray(start, start + length), at);
    else for (let i = 0; i < length; i++) target[at + i] = source[start + i]!;
  }
}

/** Below this many elements a plain loop beats the call overhead of `TypedArray.set`. */
const bulkLength = 32;

/** One cache line of float32 in either direction, so that a transposition uses every line that it loads. */
const tileLength = 16;

function copyTiles(
  target: Bits,
  targetStarts: Int32Array,
  targetStep: number,
  source: Bits,
  sourceStarts: Int32Array,
  sourceStep: number,
  rows: number,
  length: number,
): void {
  for (let firstRow = 0; firstRow < rows; firstRow += tileLength) {
    const endRow = Math.min(firstRow + tileLength, rows);
    for (let first = 0; first < length; first += tileLength) {
      const end = Math.min(first + tileLength, length);
      for (let r = firstRow; r < endRow; r++) {
        const at = targetStarts[r]!;
        const start = sourceStarts[r]!;
        for (let i = first; i < end; i++) target[at + i * targetStep] = source[start + i * sourceStep]!;
      }
    }
  }
}

/** A new tensor whose element at each index is read from `x` through `strides`, from `offset` on. */
function readThrough(x: HostTensor, out: TensorSpec, strides: readonly number[], offset = 0): HostTensor {
  const data = allocateHost(out.dtype, countOf(out));
  copyElements(out.shape, { data, offset: 0, strides: stridesOf(out.shape) }, { data: x.block.data, offset, strides });
  return createHostTensor(out, data);
}

export function reshape({ x }: Inputs<'reshape', HostTensor>, _: unknown, out: TensorSpec): HostTensor {
  return shareBlock(x, out);
}

export function permute({ x }: Inputs<'permute', HostTensor>, { dims }: Attrs<'permute'>, out: TensorSpec): HostTensor {
  const strides = stridesOf(x.shape);
  return readThrough(
    x,
    out,
    dims.map((dim) => strides[dim]!),
  );
}

export function expand({ x }: Inputs<'expand', HostTensor>, _: unknown, out: TensorSpec): HostTensor {
  return readThrough(x, out, broadcastStrides(x.shape, out.shape));
}

export function slice({ x }: Inputs<'slice', HostTensor>, { slices }: Attrs<'slice'>, out: TensorSpec): HostTensor {
  const strides = stridesOf(x.shape);
  const offset = slices.reduce((sum, { start }, dim) => sum + start * strides[dim]!, 0);
  return readThrough(
    x,
    out,
    strides.map((stride, dim) => stride * slices[dim]!.step),
    offset,
  );
}

export function flip({ x }: Inputs<'flip', HostTensor>, { dims }: Attrs<'flip'>, out: TensorSpec): HostTensor {
  const strides = stridesOf(x.shape);
  const flipped = new Set(dims);
  let offset = 0;
  for (const dim of flipped) offset += (x.shape[dim]! - 1) * strides[dim]!;
  return readThrough(
    x,
    out,
    strides.map((stride, dim) => (flipped.has(dim) ? -stride : stride)),
    offset,
  );
}

export function pad({ x }: Inputs<'pad', HostTensor>, { padding, value }: Attrs<'pad'>, out: TensorSpec): HostTensor {
  const data = allocateHost(out.dtype, countOf(out));
  if (value !== 0) data.fill(encodeNumbers([value], out.dtype)[0]!);
  const strides = stridesOf(out.shape);
  copyElements(
    x.shape,
    {
      data,
      offset: padding.reduce((sum, { low }, dim) => sum + low * strides[dim]!, 0),
      strides: strides.map((stride, dim) => stride * (padding[dim]!.interior + 1)),
    },
    { data: x.block.data, offset: 0, strides: stridesOf(x.shape) },
  );
  return createHostTensor(out, data);
}

export function concat(
  { tensors }: Inputs<'concat', HostTensor>,
  { dim }: Attrs<'concat'>,
  out: TensorSpec,
): HostTensor {
  const data = allocateHost(out.dtype, countOf(out));
  const strides = stridesOf(out.shape);
  let offset = 0;
  for (const tensor of tensors) {
    const { block, shape } = castTo(tensor, out.dtype);
    copyElements(shape, { data, offset, strides }, { data: block.data, offset: 0, strides: stridesOf(shape) });
    offset += shape[dim]! * strides[dim]!;
  }
  return createHostTensor(out, data);
}
