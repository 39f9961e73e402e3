import { type Device, type DType, grad, square, sum, type Tensor, tensor } from '@halfgrad/core';
import { decodeNumber, type GoldenTensor, readJson } from '@halfgrad/testing';
import { type Agreement, type Claim, claim, near } from '../compare.ts';
import { type Case, Missing, type Suite } from '../suite.ts';
import type { CaseInputs } from './case-inputs.ts';
import { fp64Cases } from './fp64-cases.ts';

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

/** The float dtype that a suite computes in, and how near it has to come. */
interface Precision {
  readonly dtype: DType;
  readonly agrees: Agreement;
}

const file = 'golden/fp64_ops.json';
const source = 'PyTorch, values and gradients in float64';

export const fp64Suites: readonly Suite[] = [
  {
    name: 'fp64_ops',
    source,
    tolerance: 'float64: 1e-10 relative',
    files: [file],
    cases: () => readCases({ dtype: 'float64', agrees: near(1e-10) }),
  },
  {
    name: 'fp64_ops in float32',
    source,
    tolerance: 'float32: 1e-5 relative',
    files: [file],
    cases: () => readCases({ dtype: 'float32', agrees: near(1e-5) }),
  },
];

function readCases(precision: Precision): Case[] {
  return readJson<{ cases: readonly Recorded[] }>(file).cases.map((recorded) => ({
    name: recorded.name,
    run: (device) => check(recorded, precision, device),
  }));
}

function check(recorded: Recorded, precision: Precision, device: Device): Claim[] {
  const { name, attrs, output, cotangent, grads, extra, first_grads: firstGrads } = recorded;
  const compute = fp64Cases[name];
  if (!compute) throw new Missing(`fp64_ops ${name}`);
  const load = (golden: GoldenTensor): Tensor => inputOn(device, golden, precision.dtype);
  const inputs = mapValues(recorded.inputs, load);
  const out = compute({ ...inputs, ...mapValues(extra ?? {}, (x) => load(x).detach()) } as CaseInputs, attrs);
  const wanted = Object.entries(inputs).filter(([input, x]) => x.requiresGrad && grads[input]);
  const variables = wanted.map(([, x]) => x);
  const expected = (what: string, actual: Tensor, golden: GoldenTensor): Claim =>
    claim(what, actual, { shape: golden.shape, values: golden.data.map(decodeNumber) }, precision.agrees);
  const gradients = (kind: string, actual: readonly Tensor[], golden: Recorded['grads']): Claim[] =>
    wanted.map(([input], i) => expected(`${kind} of ${input}`, actual[i] as Tensor, golden[input] as GoldenTensor));

  if (!firstGrads) {
    const gradOutputs = [load(cotangent as GoldenTensor).detach()];
    return [expected('output', out, output), ...gradients('gradient', grad(out, variables, { gradOutputs }), grads)];
  }
  // A penalty on the gradients, and its gradients.
  const first = grad(out, variables, { createGraph: true });
  const penalty = first.map((gradient) => sum(square(gradient))).reduce((a, b) => a.add(b));
  return [
    ...gradients('first gradient', first, firstGrads),
    expected('penalty', penalty, output),
    ...gradients('gradient', grad(penalty, variables), grads),
  ];
}

function inputOn(device: Device, { shape, dtype, data }: GoldenTensor, floatDType: DType): Tensor {
  const isFloat = dtype === 'float64';
  const values = Float64Array.from(data, decodeNumber);
  return tensor(values, { shape, dtype: isFloat ? floatDType : 'int32', device, requiresGrad: isFloat });
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}
