import { type Device, grad, type Tensor, tensor } from '@halfgrad/core';
import { readJson } from '@halfgrad/testing';
import { type Claim, claim, recordedAs, within } from '../compare.ts';
import { Missing, type Suite } from '../suite.ts';
import { type GradientAttrs, type GradientInputs, gradientOps } from './gradient-ops.ts';

interface TorchTensor {
  readonly dtype: 'float64' | 'int64';
  readonly shape: readonly number[];
  readonly data: readonly (number | string)[];
}

interface GradientCase {
  readonly name: string;
  readonly op: string;
  readonly attrs: GradientAttrs;
  readonly inputs: Readonly<Record<string, TorchTensor>>;
  readonly outputs: readonly TorchTensor[];
  readonly cotangents: readonly TorchTensor[];
  readonly grads: Readonly<Record<string, TorchTensor>>;
}

const file = 'suites/torch/gradients.json';
const agrees = within({ relative: 1e-4, absolute: 1e-5 });

export const torchGradients: Suite = {
  name: 'torch-gradients',
  source: "PyTorch 2.13's values and gradients, in float64",
  tolerance: 'float32: 1e-4 relative, 1e-5 absolute',
  files: [file],
  cases: () =>
    readJson<{ cases: readonly GradientCase[] }>(file).cases.map((recorded) => ({
      name: recorded.name,
      run: (device) => check(recorded, device),
    })),
};

function check({ op, attrs, inputs, outputs, cotangents, grads }: GradientCase, device: Device): Claim[] {
  const compute = gradientOps[op];
  if (!compute) throw new Missing(`torch ${op}`);
  const given = Object.fromEntries<Tensor | undefined>(
    Object.entries(inputs).map(([name, recorded]) => [name, load(recorded, device, name in grads)]),
  );
  const results = [compute(given as GradientInputs, attrs)].flat() as Tensor[];
  const wanted = Object.keys(grads);
  const gradients = grad(
    results,
    wanted.map((name) => given[name] as Tensor),
    { gradOutputs: cotangents.map((cotangent) => load(cotangent, device, false)) },
  );
  return [
    ...outputs.map((recorded, i) => expected(`output ${i}`, results[i] as Tensor, recorded)),
    ...wanted.map((name, i) => expected(`gradient of ${name}`, gradients[i] as Tensor, grads[name] as TorchTensor)),
  ];
}

function load({ dtype, shape, data }: TorchTensor, device: Device, requiresGrad: boolean): Tensor {
  const ours = dtype === 'int64' ? 'int32' : 'float32';
  return tensor(Float64Array.from(data, Number), { shape, dtype: ours, device, requiresGrad });
}

function expected(what: string, actual: Tensor, { shape, data }: TorchTensor): Claim {
  return claim(what, actual, recordedAs('float32', shape, Float64Array.from(data, Number)), agrees);
}
