import {
  type Device,
  type DType,
  decompositions,
  dispatch,
  infer,
  type Kernels,
  leaves,
  mapLeaves,
  type OpName,
  type Storage,
  type Tensor,
  TensorError,
  type TensorSpec,
  type Tree,
  type Values,
} from '@halfgrad/core';
import { type Agreement, firstDisagreement } from '../agreement.ts';
import type { AnySample } from '../arbitraries/op-sample.ts';
import { fresh, inDType, type Maker } from './variants.ts';

/** One op of one device under test. */
export interface Subject {
  readonly device: Device;
  readonly op: OpName;
  /** Another device that is known to be right. */
  readonly reference?: Device | undefined;
  readonly lacks: readonly DType[];
  readonly subnormals: 'kept' | 'flushed';
  readonly effort?: number;
}

/** A tensor as it came back from a device. */
export interface Reading extends TensorSpec {
  readonly values: Values;
}

/** Runs the op on a device, by the way that every call takes. */
export function run({ device, op }: Subject, { inputs, attrs }: AnySample, make: Maker = fresh): Tree<Tensor> {
  return call(
    op,
    mapLeaves(inputs, (tensor) => make(device, tensor)),
    attrs,
  );
}

export function call(op: OpName, inputs: Tree<Tensor>, attrs: unknown): Tree<Tensor> {
  return (dispatch as (op: OpName, inputs: Tree<Tensor>, attrs: unknown) => Tree<Tensor>)(op, inputs, attrs);
}

/** What the shape rule says about a call, or undefined where it refuses the dtypes or the device lacks one. */
export function announced({ op, lacks }: Subject, { inputs, attrs }: AnySample): readonly TensorSpec[] | undefined {
  try {
    const rule = infer[op] as (inputs: unknown, attrs: unknown) => Tree<TensorSpec>;
    const specs = leaves(rule(inputs, attrs));
    return [...leaves(inputs), ...specs].some(({ dtype }) => lacks.includes(dtype)) ? undefined : specs;
  } catch (error) {
    if (error instanceof TensorError && error.code === 'dtype-mismatch') return undefined;
    throw error;
  }
}

/** The sample in the widest dtype of the device. */
export function widest({ lacks }: Subject, sample: AnySample): AnySample {
  return lacks.includes('float64') ? inDType(sample, 'float32') : sample;
}

export async function read(result: Tree<Tensor>): Promise<Reading[]> {
  return Promise.all(
    leaves(result).map(async (tensor) => ({
      shape: tensor.shape,
      dtype: tensor.dtype,
      values: await tensor.data(),
    })),
  );
}

export function hasDecomposition(op: OpName): boolean {
  return Object.hasOwn(decompositions, op);
}

export function hasKernel({ device, op }: Subject): boolean {
  const kernel = device.kernels[op];
  return kernel !== undefined && kernel !== 'decomposed';
}

/** The same device, which has to run `op` as its decomposition. */
export function withoutKernel({ device, op }: Subject): Device {
  const kernels: Partial<Kernels<Storage>> = { ...device.kernels, [op]: undefined };
  return { ...device, name: `${device.name} without ${op}`, kernels };
}

/** Throws an error that shows where two results differ, unless every element agrees. */
export function expectAgreement(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  agrees: Agreement,
): void {
  const at = firstDisagreement(actual, expected, agrees);
  if (at !== undefined) throw new Error(`${what}: element ${at} is ${show(actual[at])}, not ${show(expected[at])}`);
}

function show(x: number | undefined): string {
  return Object.is(x, -0) ? '-0' : String(x);
}
