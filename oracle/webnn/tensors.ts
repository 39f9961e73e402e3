import { type Device, type DType, full, isDType, sizeOf, type Tensor, tensor } from '@halfgrad/core';
import { type Recorded, recordedAs } from '../compare.ts';
import { Missing } from '../suite.ts';
import type { WebnnTensor } from './graph.ts';

/** @throws Missing for a dtype that the library does not have; int64 is read as int32. */
export function dtypeOf(name: string): DType {
  const ours = name === 'int64' ? 'int32' : name;
  if (!isDType(ours)) throw new Missing(`dtype ${name}`);
  return ours;
}

/** What a file says, in the dtype that the library has for it. */
export function recordedOf({
  data,
  descriptor: { shape, dataType },
}: WebnnTensor): Recorded & { readonly dtype: DType } {
  const dtype = dtypeOf(dataType);
  const numbers = Float64Array.from([data].flat(), (x) => Number(typeof x === 'string' ? x.replace(/n$/, '') : x));
  if (dataType === 'int64' && numbers.some((x) => x !== (x | 0))) throw new Missing('int64 beyond 32 bits');
  const { values } = recordedAs(dtype, shape, numbers);
  return { dtype, shape, values: isFilled(data) ? new Float32Array(sizeOf(shape)).fill(values[0] as number) : values };
}

const isFilled = (data: WebnnTensor['data']): data is number | string => !Array.isArray(data);

export function load(recorded: WebnnTensor, device: Device): Tensor {
  const { dtype, shape, values } = recordedOf(recorded);
  return isFilled(recorded.data)
    ? full(shape, values[0] as number, { dtype, device })
    : tensor(values as Float64Array, { shape, dtype, device });
}
