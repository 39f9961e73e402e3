import { type Device, type DType, type Tensor, tensor, zeros } from '@halfgrad/core';
import { clipGradNorm, clipGradValue } from '@halfgrad/optim';
import { decodeNumber, type GoldenNumber, readJson } from '@halfgrad/testing';
import { type Claim, claim, within } from '../compare.ts';
import type { Suite } from '../suite.ts';

interface Golden {
  readonly grads: readonly (readonly GoldenNumber[])[];
  readonly out: readonly (readonly GoldenNumber[])[];
}

interface NormCase extends Golden {
  readonly kind: 'norm';
  readonly max_norm: number;
  readonly norm_type: GoldenNumber;
  readonly dtype: DType;
  readonly total_norm: GoldenNumber;
  readonly norm_dtype: DType;
}

interface ValueCase extends Golden {
  readonly kind: 'value';
  readonly clip_value: number;
}

const file = 'golden/clip_grad.json';
const agrees = within({ relative: 1e-6, absolute: 0 });

export const clipGrad: Suite = {
  name: 'clip_grad',
  source: 'PyTorch, clipping by norm and by value',
  tolerance: '1e-6 relative',
  files: [file],
  cases: () =>
    readJson<{ cases: readonly (NormCase | ValueCase)[] }>(file).cases.map((recorded, i) => ({
      name: `${i}: by ${recorded.kind} ${JSON.stringify(recorded.grads)}`,
      run: (device) => check(recorded, device),
    })),
};

function check(recorded: NormCase | ValueCase, device: Device): Claim[] {
  const dtype = recorded.kind === 'norm' ? recorded.dtype : 'float32';
  const params = recorded.grads.map((grad) => withGrad(grad.map(decodeNumber), dtype, device));
  const norms = recorded.kind === 'norm' ? [clippedNorm(recorded, params)] : [];
  if (recorded.kind === 'value') clipGradValue(params, recorded.clip_value);
  return [
    ...norms,
    ...params.map(({ grad }, i) => {
      const values = (recorded.out[i] ?? []).map(decodeNumber);
      return claim(`gradient ${i}`, grad as Tensor, { dtype, shape: [values.length], values }, agrees);
    }),
  ];
}

function clippedNorm({ max_norm, norm_type, norm_dtype, total_norm }: NormCase, params: readonly Tensor[]): Claim {
  const total = clipGradNorm(params, max_norm, { normType: decodeNumber(norm_type) });
  return claim('norm', total, { dtype: norm_dtype, shape: [], values: [decodeNumber(total_norm)] }, agrees);
}

function withGrad(values: readonly number[], dtype: DType, device: Device): Tensor {
  const param = zeros([values.length], { dtype, device, requiresGrad: true });
  param.grad = tensor(values, { dtype, device });
  return param;
}
