import { type Device, finfo, type Tensor, tensor } from '@halfgrad/core';
import {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  ASGD,
  NAdam,
  type OptimizerStateDict,
  RAdam,
  RMSprop,
  Rprop,
  SGD,
} from '@halfgrad/optim';
import { readJson } from '@halfgrad/testing';
import { type Agreement, type Claim, claimNow, near } from '../compare.ts';
import { type Case, Missing, type Suite } from '../suite.ts';

interface Run {
  readonly optimizer: string;
  readonly options: Options;
}

/** Numbers, pairs and switches under PyTorch's names. */
type Options = Readonly<Record<string, unknown>>;

interface Trace {
  readonly params: readonly (readonly number[])[];
  readonly final_state: Readonly<Record<string, readonly number[]>>;
}

interface Golden {
  readonly p0: number[][];
  readonly grads: readonly number[][];
  readonly runs: Readonly<Record<string, Run & { readonly float64: Trace; readonly float32: Trace }>>;
  readonly bf16_runs: Readonly<Record<string, Run & { readonly bfloat16: Trace }>>;
}

interface SuiteTrace {
  readonly name: string;
  readonly w0: number[];
  readonly config: Options;
  readonly steps: readonly { readonly grad: number[]; readonly weights: readonly number[] }[];
}

/** What the traces need of an optimizer, whatever its options and state. */
interface Optimizer {
  step(): void;
  stateDict(): OptimizerStateDict;
}

const kinds: Readonly<Record<string, new (params: Tensor[], options: object) => Optimizer>> = {
  SGD,
  Adam,
  AdamW,
  RMSprop,
  Adagrad,
  Adadelta,
  Adamax,
  NAdam,
  RAdam,
  ASGD,
  Rprop,
};

type Precision = 'bfloat16' | 'float32' | 'float64';

const golden = 'golden/optimizers.json';
const traces = 'suites/torch/optimizers.json';

export const optimizerSuites: readonly Suite[] = [
  {
    name: 'optimizers',
    source: "PyTorch's optimizers, 12 steps each",
    tolerance: 'float64 1e-12, float32 1e-6, bfloat16 1 unit in the last place per step',
    files: [golden],
    cases() {
      const recorded = readJson<Golden>(golden);
      const replay = (name: string, run: Run, trace: Trace, dtype: Precision): Case => ({
        name: `${name} in ${dtype}`,
        run: (device) => follow(recorded, run, trace, dtype, device),
      });
      return [
        ...Object.entries(recorded.runs).flatMap(([name, run]) => [
          replay(name, run, run.float64, 'float64'),
          replay(name, run, run.float32, 'float32'),
        ]),
        ...Object.entries(recorded.bf16_runs).map(([name, run]) => replay(name, run, run.bfloat16, 'bfloat16')),
      ];
    },
  },
  {
    name: 'torch-optimizers',
    source: 'PyTorch 2.13, 12 steps of SGD and Adam in float64',
    tolerance: '1e-12',
    files: [traces],
    cases: () =>
      readJson<{ traces: readonly SuiteTrace[] }>(traces).traces.map((trace) => ({
        name: trace.name,
        run: (device) => followTrace(trace, device),
      })),
  },
];

const tolerances = { float64: 1e-12, float32: 1e-6 } as const;

function follow({ p0, grads }: Golden, run: Run, trace: Trace, dtype: Precision, device: Device): Claim[] {
  const param = tensor(p0, { dtype, device, requiresGrad: true });
  const optimizer = createOptimizer(run.optimizer, param, run.options);
  const agrees = dtype === 'bfloat16' ? unitPerStep(p0.flat()) : () => near(tolerances[dtype]);
  const steps = grads.map((grad, step) => {
    param.grad = tensor(grad, { dtype, device }).reshape(param.shape);
    optimizer.step();
    const values = trace.params[step] as readonly number[];
    return claimNow(`step ${step}`, param, values, agrees(step, values));
  });
  if (dtype === 'bfloat16') return steps;
  const state = optimizer.stateDict().state[0] ?? {};
  const finals = Object.entries(trace.final_state).map(([name, values]) => {
    const actual = state[name];
    if (!actual) throw new Missing(`optimizer state ${name}`);
    // Some elements are what is left of a sum of larger ones: the largest gives the scale.
    const largest = Math.max(1, ...values.map(Math.abs));
    return claimNow(name, actual, values, near(tolerances[dtype] * largest));
  });
  return [...steps, ...finals];
}

/**
 * PyTorch's unfused steps round to bfloat16 after every operation, ours, like its fused ones, once: each step may add a
 * difference of one unit in the last place of the largest value that the parameter has had.
 */
function unitPerStep(initial: readonly number[]): (step: number, values: readonly number[]) => Agreement {
  const largest = initial.map(Math.abs);
  return (step, values) => {
    for (const [i, value] of values.entries()) largest[i] = Math.max(largest[i] as number, Math.abs(value));
    return (actual, expected, at) =>
      Math.abs(actual - expected) <=
      (step + 1) * finfo('bfloat16').eps * 2 ** Math.floor(Math.log2(largest[at] as number));
  };
}

function followTrace({ name, w0, config, steps }: SuiteTrace, device: Device): Claim[] {
  const param = tensor(w0, { dtype: 'float64', device, requiresGrad: true });
  const optimizer = createOptimizer(name.startsWith('adam') ? 'Adam' : 'SGD', param, config);
  return steps.map(({ grad, weights }, step) => {
    param.grad = tensor(grad, { dtype: 'float64', device });
    optimizer.step();
    return claimNow(`step ${step}`, param, weights, near(1e-12));
  });
}

/** An optimizer with options under PyTorch's names. */
function createOptimizer(kind: string, param: Tensor, options: Options): Optimizer {
  const Kind = kinds[kind];
  if (!Kind) throw new Missing(`optimizer ${kind}`);
  const camelCase = Object.entries(options).map(([name, value]) => [
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return new Kind([param], Object.fromEntries(camelCase));
}
