import { chunk, linear, permute, reshape, scaledDotProductAttention, type Tensor, tensor } from '@halfgrad/core';
import type { RecurrentWeights } from '@halfgrad/nn';

type InputName =
  | 'a'
  | 'b'
  | 'bias'
  | 'bhh'
  | 'bih'
  | 'c'
  | 'running_mean_before'
  | 'running_var_before'
  | 'h'
  | 'idx'
  | 'k'
  | 'm'
  | 'n'
  | 'p'
  | 'pw'
  | 'q'
  | 's'
  | 't'
  | 'v'
  | 'w'
  | 'whh'
  | 'wih'
  | 'x'
  | 'x0'
  | 'x1'
  | 'x2'
  | 'y'
  | 'in_proj_weight'
  | 'in_proj_bias'
  | 'out_proj.weight'
  | 'out_proj.bias';

/** The tensors of a case by the names they have in the file. */
export type CaseInputs = { readonly [N in InputName]: Tensor };

export function indices({ device }: Tensor, list: readonly number[]): Tensor {
  return tensor(list, { dtype: 'int32', device });
}

export function selfAttention(inputs: CaseInputs, heads: number): Tensor {
  const { x } = inputs;
  const [batch, length, width] = x.shape as [number, number, number];
  const projected = chunk(linear(x, inputs.in_proj_weight, inputs.in_proj_bias), 3, -1);
  const [q, k, v] = projected.map((part) =>
    permute(reshape(part, [batch, length, heads, width / heads]), [0, 2, 1, 3]),
  ) as [Tensor, Tensor, Tensor];
  const joined = reshape(permute(scaledDotProductAttention(q, k, v), [0, 2, 1, 3]), x.shape);
  return linear(joined, inputs['out_proj.weight'], inputs['out_proj.bias']);
}

export function recurrentWeights({ wih, whh, bih, bhh }: CaseInputs): RecurrentWeights {
  return { weightIh: wih, weightHh: whh, biasIh: bih, biasHh: bhh };
}
