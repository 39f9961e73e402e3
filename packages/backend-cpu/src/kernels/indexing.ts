import {
  type Attrs,
  allocateHost,
  argumentError,
  type Inputs,
  type OpName,
  sizeOf,
  stridesOf,
  type TensorSpec,
} from '@halfgrad/core';
import {
  allocateNumbers,
  countOf,
  createHostTensor,
  type HostTensor,
  type Numbers,
  read,
  write,
} from '../host-tensor.ts';
import { offsetsOf } from './layout.ts';

/** Below this many elements a plain loop beats the call overhead of `TypedArray.set`. */
const bulkLength = 32;

/** The entries of `index`, each checked to lie in dimension `dim` of `size` elements. */
function checkedIndex(
  op: OpName,
  index: HostTensor,
  dim: number,
  size: number,
  args: Record<string, TensorSpec>,
): Numbers {
  const entries = read(index);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i]!;
    if (entry < 0 || entry >= size) {
      throw argumentError(
        'invalid-argument',
        op,
        `index ${entry} is out of range for dim ${dim} of size ${size}`,
        args,
      );
    }
  }
  return entries;
}

/** The number of elements before, and after, dimension `dim`. */
function around(shape: readonly number[], dim: number, rank = 1): { outer: number; inner: number } {
  return { outer: sizeOf(shape.slice(0, dim)), inner: sizeOf(shape.slice(dim + rank)) };
}

export function indexSelect(
  { x, index }: Inputs<'indexSelect', HostTensor>,
  { dim }: Attrs<'indexSelect'>,
  out: TensorSpec,
): HostTensor {
  const size = x.shape[dim] ?? 1;
  const entries = checkedIndex('indexSelect', index, dim, size, { x, index });
  const { outer, inner } = around(x.shape, dim);
  const source = x.block.data;
  const data = allocateHost(out.dtype, countOf(out));
  for (let o = 0, at = 0; o < outer; o++) {
    for (let i = 0; i < entries.length; i++, at += inner) {
      const start = (o * size + entries[i]!) * inner;
      if (inner >= bulkLength) data.set(source.subarray(start, start + inner), at);
      else for (let j = 0; j < inner; j++) data[at + j] = source[start + j]!;
    }
  }
  return createHostTensor(out, data);
}

/** Adds in the order of the source, in float32 for the 16-bit floats; a sum of bools is whether any is true. */
export function indexAdd(
  { index, source }: Inputs<'indexAdd', HostTensor>,
  { dim, size }: Attrs<'indexAdd'>,
  out: TensorSpec,
): HostTensor {
  const entries = checkedIndex('indexAdd', index, dim, size, { index, source });
  const { outer, inner } = around(source.shape, dim, index.shape.length);
  const values = read(source);
  const sums = createSums(out);
  for (let o = 0, from = 0; o < outer; o++) {
    for (let i = 0; i < entries.length; i++) {
      const at = (o * size + entries[i]!) * inner;
      for (let j = 0; j < inner; j++) sums[at + j]! += values[from++]!;
    }
  }
  return writeSums(sums, out);
}

export function gather(
  { x, index }: Inputs<'gather', HostTensor>,
  { dim }: Attrs<'gather'>,
  out: TensorSpec,
): HostTensor {
  const entries = checkedIndex('gather', index, dim, x.shape[dim] ?? 1, { x, index });
  const { bases, step } = positions(index.shape, x.shape, dim);
  const source = x.block.data;
  const data = allocateHost(out.dtype, entries.length);
  for (let i = 0; i < entries.length; i++) data[i] = source[bases[i]! + entries[i]! * step]!;
  return createHostTensor(out, data);
}

export function scatter(
  { x, index, source }: Inputs<'scatter', HostTensor>,
  { dim }: Attrs<'scatter'>,
  out: TensorSpec,
): HostTensor {
  const entries = checkedIndex('scatter', index, dim, x.shape[dim] ?? 1, { x, index });
  const { bases, step } = positions(index.shape, x.shape, dim);
  const values = source.block.data;
  const data = x.block.data.slice();
  for (let i = 0; i < entries.length; i++) data[bases[i]! + entries[i]! * step] = values[i]!;
  return createHostTensor(out, data);
}

/** Adds in the order of the source, in float32 for the 16-bit floats; a sum of bools is whether any is true. */
export function scatterAdd(
  { index, source }: Inputs<'scatterAdd', HostTensor>,
  { dim, size }: Attrs<'scatterAdd'>,
  out: TensorSpec,
): HostTensor {
  const entries = checkedIndex('scatterAdd', index, dim, size, { index, source });
  const { bases, step } = positions(index.shape, out.shape, dim);
  const values = read(source);
  const sums = createSums(out);
  for (let i = 0; i < entries.length; i++) sums[bases[i]! + entries[i]! * step]! += values[i]!;
  return writeSums(sums, out);
}

/** Bools are counted. */
function createSums(out: TensorSpec): Numbers {
  return allocateNumbers(out.dtype === 'bool' ? 'int32' : out.dtype, countOf(out));
}

function writeSums(sums: Numbers, out: TensorSpec): HostTensor {
  return write(out.dtype === 'bool' ? Uint8Array.from(sums, (count) => (count === 0 ? 0 : 1)) : sums, out);
}

/** Where in a tensor of shape `target` each index into `shape` begins to count along `dim`, and the stride of `dim`. */
function positions(
  shape: readonly number[],
  target: readonly number[],
  dim: number,
): { bases: Int32Array; step: number } {
  const strides = stridesOf(target);
  const bases = offsetsOf(
    shape,
    strides.map((stride, d) => (d === dim ? 0 : stride)),
  );
  return { bases, step: strides[dim] ?? 1 };
}
