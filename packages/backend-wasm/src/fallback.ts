import {
  cpu,
  type HostBlock,
  type HostTensor,
  kernels as reference,
  updates as referenceUpdates,
} from '@halfgrad/backend-cpu';
import { type AnyKernel, mapLeaves, type OpName, type Tree, type UpdateName } from '@halfgrad/core';
import type { Engine } from './engine.ts';
import type { WasmTensor } from './wasm-tensor.ts';

export type AnyUpdate<T> = (inputs: Tree<T>, attrs: unknown) => void;

/** Runs the kernel of the reference device on views of the linear memory, without copying what goes in. */
export function fallbackKernel(engine: Engine, op: OpName): AnyKernel<WasmTensor> | 'decomposed' {
  const kernel = reference[op] as AnyKernel<HostTensor> | 'decomposed';
  if (kernel === 'decomposed') return kernel;
  return (inputs, attrs, out) => {
    const lent = new Map<HostBlock, WasmTensor>();
    const results = kernel(viewsOf(engine, inputs, lent), attrs, out);
    return mapLeaves(results, (result) => adopt(engine, result, lent));
  };
}

/** Runs the update of the reference device, which writes through the views. */
export function fallbackUpdate(engine: Engine, name: UpdateName): AnyUpdate<WasmTensor> {
  const update = referenceUpdates[name] as AnyUpdate<HostTensor>;
  return (inputs, attrs) => update(viewsOf(engine, inputs, new Map()), attrs);
}

function viewsOf(engine: Engine, inputs: Tree<WasmTensor>, lent: Map<HostBlock, WasmTensor>): Tree<HostTensor> {
  return mapLeaves(inputs, (x): HostTensor => {
    const block: HostBlock = { version: x.block.version, holders: 1, data: engine.memory.elements(x) };
    lent.set(block, x);
    return { shape: x.shape, dtype: x.dtype, isNumber: x.isNumber, block };
  });
}

/** Takes a result over: one that shares the memory of an input goes on doing so, any other is copied in. */
function adopt(engine: Engine, result: HostTensor, lent: ReadonlyMap<HostBlock, WasmTensor>): WasmTensor {
  const { shape, dtype, block } = result;
  const source = lent.get(block);
  if (source) return { shape, dtype, block: source.block };
  const tensor = engine.memory.create({ shape, dtype });
  engine.memory.elements(tensor).set(block.data);
  cpu.free(result);
  return tensor;
}
