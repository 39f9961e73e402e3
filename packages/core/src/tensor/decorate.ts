import type { OpName } from '../ops/signatures.ts';
import type { TensorSpec, Tree } from '../spec/spec.ts';
import type { Device, Kernels, Storage } from './device.ts';

/** What a decorator sees of a kernel: any op, erased to trees of storages. */
export type AnyKernel<T> = (inputs: Tree<T>, attrs: unknown, out: Tree<TensorSpec>) => Tree<T>;

/** A device whose every kernel has been wrapped: the way to round, check, count or compare. */
export function decorate<T extends Storage>(
  device: Device<T>,
  name: string,
  wrap: (kernel: AnyKernel<T>, op: OpName) => AnyKernel<T>,
): Device<T> {
  const wrapped = Object.entries(device.kernels).map(([op, kernel]) => [
    op,
    kernel === 'decomposed' ? kernel : wrap(kernel as unknown as AnyKernel<T>, op as OpName),
  ]);
  return { ...device, name: `${name}(${device.name})`, kernels: Object.fromEntries(wrapped) as Partial<Kernels<T>> };
}
