import { type Attrs, type Inputs, type PoolAttrs, sizeOf, stridesOf, type TensorSpec } from '@halfgrad/core';
import {
  allocateFloats,
  allocateNumbers,
  countOf,
  type HostTensor,
  readAs,
  readFloats,
  write,
} from '../host-tensor.ts';

/**
 * The windows of a pooling op as lists of flat offsets within one plane: window `w` covers `offsets[starts[w]]` up to
 * `offsets[starts[w + 1] − 1]`, in row-major order. One table serves all planes.
 */
interface Windows {
  readonly starts: Int32Array;
  readonly offsets: Int32Array;
  readonly divisors: Float64Array;
  /** The number of elements of an input plane. */
  readonly plane: number;
}

function createWindows({ windows }: PoolAttrs, size: readonly number[]): Windows {
  const strides = stridesOf(size);
  let list: { offsets: number[]; divisor: number }[] = [{ offsets: [0], divisor: 1 }];
  windows.forEach((dim, d) => {
    list = list.flatMap(({ offsets, divisor }) =>
      dim.map(({ start, end, step, count }) => {
        const refined: number[] = [];
        for (const offset of offsets) {
          for (let i = start; i < end; i += step) refined.push(offset + i * strides[d]!);
        }
        return { offsets: refined, divisor: divisor * count };
      }),
    );
  });
  const starts = new Int32Array(list.length + 1);
  list.forEach(({ offsets }, w) => {
    starts[w + 1] = starts[w]! + offsets.length;
  });
  return {
    starts,
    offsets: Int32Array.from(list.flatMap(({ offsets }) => offsets)),
    divisors: Float64Array.from(list, ({ divisor }) => divisor),
    plane: sizeOf(size),
  };
}

/** The sizes of the pooled dimensions of `x`. */
function pooledSize(x: TensorSpec, { windows }: PoolAttrs): readonly number[] {
  return x.shape.slice(x.shape.length - windows.length);
}

/** The first maximum of a window wins, and a NaN before all. */
export function maxPool(
  { x }: Inputs<'maxPool', HostTensor>,
  attrs: Attrs<'maxPool'>,
  out: { out: TensorSpec; indices: TensorSpec },
): { out: HostTensor; indices: HostTensor } {
  const { starts, offsets, plane } = createWindows(attrs, pooledSize(x, attrs));
  const values = readAs(x, x.dtype);
  const result = allocateNumbers(x.dtype, countOf(out.out));
  const indices = new Int32Array(result.length);
  const perPlane = starts.length - 1;
  for (let i = 0; i < result.length; i++) {
    const w = i % perPlane;
    const base = ((i - w) / perPlane) * plane;
    let best = offsets[starts[w]!]!;
    let highest = values[base + best]!;
    for (let j = starts[w]! + 1; j < starts[w + 1]!; j++) {
      const value = values[base + offsets[j]!]!;
      if (!(value <= highest) && !Number.isNaN(highest)) {
        best = offsets[j]!;
        highest = value;
      }
    }
    result[i] = highest;
    indices[i] = best;
  }
  return { out: write(result, out.out), indices: write(indices, out.indices) };
}

export function avgPool({ x }: Inputs<'avgPool', HostTensor>, attrs: Attrs<'avgPool'>, out: TensorSpec): HostTensor {
  const { starts, offsets, divisors, plane } = createWindows(attrs, pooledSize(x, attrs));
  const values = readFloats(x, out.dtype);
  const result = allocateFloats(out.dtype, countOf(out));
  for (let i = 0; i < result.length; i++) {
    const w = i % divisors.length;
    const base = ((i - w) / divisors.length) * plane;
    let sum = 0;
    for (let j = starts[w]!; j < starts[w + 1]!; j++) sum += values[base + offsets[j]!]!;
    result[i] = sum / divisors[w]!;
  }
  return write(result, out);
}

/** The transpose of `avgPool`. */
export function avgPoolGrad(
  { gradOut }: Inputs<'avgPoolGrad', HostTensor>,
  attrs: Attrs<'avgPoolGrad'>,
  out: TensorSpec,
): HostTensor {
  const { starts, offsets, divisors, plane } = createWindows(attrs, attrs.size);
  const grads = readFloats(gradOut, out.dtype);
  const result = allocateFloats(out.dtype, countOf(out));
  for (let i = 0; i < grads.length; i++) {
    const w = i % divisors.length;
    const base = ((i - w) / divisors.length) * plane;
    const share = grads[i]! / divisors[w]!;
    for (let j = starts[w]!; j < starts[w + 1]!; j++) result[base + offsets[j]!]! += share;
  }
  return write(result, out);
}
