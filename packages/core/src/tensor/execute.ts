import { type OpCall, type Run, withLayers } from '../dispatch/layers.ts';
import { runDecomposition } from '../functional/decompose.ts';
import { infer } from '../ops/infer.ts';
import type { OpName, Result } from '../ops/signatures.ts';
import { TensorError } from '../spec/errors.ts';
import { leaves, mapLeaves, type TensorSpec, type Tree } from '../spec/spec.ts';
import type { Device, Storage } from './device.ts';
import { Tensor } from './tensor.ts';

/** The bottom of the stack: check the arguments, pick a kernel or the decomposition, wrap the results. */
export const execute: Run = <K extends OpName>(call: OpCall<K>): Result<K, Tensor> => {
  const { op, inputs, attrs } = call;
  const rule = infer[op] as (inputs: unknown, attrs: unknown) => Result<K, TensorSpec>;
  const out = rule(inputs, attrs);
  const device = commonDevice(op, leaves(inputs as Tree<Tensor>));
  const kernel = device.kernels[op];
  if (!kernel || kernel === 'decomposed') {
    return withLayers({ observe: undefined, autocast: undefined, autograd: undefined }, () => runDecomposition(call));
  }
  const storages = mapLeaves(inputs as Tree<Tensor>, (tensor) => tensor.storage);
  const results = (kernel as unknown as ErasedKernel)(storages, attrs, out);
  return mapLeaves(results, (storage) => new Tensor(storage, device)) as Result<K, Tensor>;
};

type ErasedKernel = (inputs: Tree<Storage>, attrs: unknown, out: unknown) => Tree<Storage>;

/** @throws TensorError `device-mismatch` when the tensors live on different devices. */
export function commonDevice(op: string, tensors: readonly Tensor[]): Device {
  const first = tensors[0];
  if (!first) throw new TensorError('device-mismatch', `${op}: no tensor argument to choose a device from`);
  const other = tensors.find(({ device }) => device !== first.device);
  if (other) {
    throw new TensorError(
      'device-mismatch',
      `${op}: tensors live on ${first.device.name} and ${other.device.name}. Move one with .to(device).`,
    );
  }
  return first.device;
}
