import type { OpCall } from '../dispatch/layers.ts';
import { infer } from '../ops/infer.ts';
import type { OpName, Result } from '../ops/signatures.ts';
import { computeDType } from '../spec/dtype.ts';
import { TensorError } from '../spec/errors.ts';
import { leaves, mapLeaves, type TensorSpec, type Tree } from '../spec/spec.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type DecomposedOp, decompositions, stepwise } from './decompositions.ts';
import { cast } from './elementwise.ts';

/**
 * Runs an op as its decomposition: 16-bit inputs widened, the whole op in float32, results rounded once (AMP.md D3.1);
 * or, for the few that are `stepwise`, as it stands.
 */
export function runDecomposition<K extends OpName>({ op, inputs, attrs }: OpCall<K>): Result<K, Tensor> {
  const decomposition = decompositions[op as DecomposedOp] as
    | ((inputs: unknown, attrs: unknown) => Tree<Tensor>)
    | undefined;
  if (!decomposition)
    throw new TensorError('missing-kernel', `${op}: no kernel for it on this device, and no decomposition`);
  const rule = infer[op] as (inputs: unknown, attrs: unknown) => Tree<TensorSpec>;
  const specs = leaves<TensorSpec>(rule(inputs, attrs));
  const operands = stepwise.has(op) ? inputs : mapLeaves(inputs as Tree<Tensor>, (x) => cast(x, computeDType(x.dtype)));
  let i = 0;
  return mapLeaves(decomposition(operands, attrs), (x) => cast(x, specs[i++]?.dtype ?? x.dtype)) as Result<K, Tensor>;
}
