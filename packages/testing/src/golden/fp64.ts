import { type Device, grad, square, sum, type Tensor, tensor } from '@halfgrad/core';
import { expect, test } from 'vitest';
import { describeShared, readJson } from '../shared.ts';
import type { CaseInputs } from './compositions.ts';
import { decodeNumber, type GoldenTensor } from './decode.ts';
import { type Fp64Case, fp64Cases } from './fp64-cases.ts';

const file = 'golden/fp64_ops.json';
/** Relative to 1 or the value, whichever is larger: the agreement of the two PyTorch versions behind the file, and more. */
const tolerance = 1e-10;

interface Recorded {
  readonly name: string;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  /** Running statistics. */
  readonly extra?: Readonly<Record<string, GoldenTensor>> | null;
  readonly output: GoldenTensor;
  readonly cotangent?: GoldenTensor;
  readonly grads: Readonly<Record<string, GoldenTensor | null>>;
  /** Present where `output` is the sum of the squares of these, and `grads` its gradients. */
  readonly first_grads?: Readonly<Record<string, GoldenTensor>>;
}

/** PyTorch's own float64 results and gradients, for every case that today's functions can express. */
export function describeFp64Golden(device: Device): void {
  describeShared(`${device.name} against ${file}`, [file], () => {
    const { cases } = readJson<{ cases: readonly Recorded[] }>(file);
    const missing = cases.filter(({ name }) => !Object.hasOwn(fp64Cases, name)).map(({ name }) => name);
    const known = cases.filter(({ name }) => Object.hasOwn(fp64Cases, name));

    test.each(known)('$name', async (recorded) => {
      const inputs = Object.fromEntries(
        Object.entries(recorded.inputs).map(([name, golden]) => [name, inputOn(device, golden)]),
      );
      const compute = fp64Cases[recorded.name] as Fp64Case;
      const extra = Object.entries(recorded.extra ?? {}).map(([name, golden]) => [
        name,
        inputOn(device, golden).detach(),
      ]);
      const out = compute({ ...inputs, ...Object.fromEntries(extra) } as CaseInputs, recorded.attrs);
      const wanted = Object.entries(inputs).filter(([name, x]) => x.requiresGrad && recorded.grads[name]);
      const variables = wanted.map(([, x]) => x);
      const gradients = recorded.first_grads
        ? await secondGradients(recorded, out, wanted)
        : grad(out, variables, { gradOutputs: [inputOn(device, recorded.cotangent as GoldenTensor)] });
      if (!recorded.first_grads) await expectClose('output', out, recorded.output);
      for (const [i, [name]] of wanted.entries()) {
        await expectClose(`gradient of ${name}`, gradients[i] as Tensor, recorded.grads[name] as GoldenTensor);
      }
    });

    test(`${known.length} of ${cases.length} cases are covered`, () => {
      console.log(`${file}: ${known.length} of ${cases.length} cases covered. Not yet: ${missing.join(', ')}`);
      expect(Object.keys(fp64Cases).filter((name) => !cases.some((recorded) => recorded.name === name))).toEqual([]);
    });
  });
}

/** The gradients of a penalty on the gradients. */
async function secondGradients(
  { first_grads = {}, output }: Recorded,
  out: Tensor,
  wanted: readonly (readonly [string, Tensor])[],
): Promise<Tensor[]> {
  const variables = wanted.map(([, x]) => x);
  const first = grad(out, variables, { createGraph: true });
  for (const [i, [name]] of wanted.entries()) {
    await expectClose(`first gradient of ${name}`, first[i] as Tensor, first_grads[name] as GoldenTensor);
  }
  const penalty = first.map((gradient) => sum(square(gradient))).reduce((a, b) => a.add(b));
  await expectClose('penalty', penalty, output);
  return grad(penalty, variables);
}

function inputOn(device: Device, { shape, dtype, data }: GoldenTensor): Tensor {
  const isFloat = dtype === 'float64';
  const values = Float64Array.from(data, decodeNumber);
  return tensor(values, { shape, dtype: isFloat ? 'float64' : 'int32', device, requiresGrad: isFloat });
}

async function expectClose(what: string, actual: Tensor, { shape, data }: GoldenTensor): Promise<void> {
  expect(actual.shape, `${what}: shape`).toEqual(shape);
  const values = await actual.data();
  data.forEach((golden, i) => {
    const expected = decodeNumber(golden);
    const error = Math.abs((values[i] as number) - expected) / Math.max(1, Math.abs(expected));
    if (!(error <= tolerance)) throw new Error(`${what}: element ${i} is ${values[i]}, PyTorch has ${expected}`);
  });
}
