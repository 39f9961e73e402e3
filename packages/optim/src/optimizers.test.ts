import { cpu } from '@halfgrad/backend-cpu';
import { type DType, finfo, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { describeShared, readJson } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
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
} from './index.ts';

setDefaultDevice(cpu);

const kinds = { SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, NAdam, RAdam, ASGD, Rprop };
type Kind = keyof typeof kinds;

/** An optimizer with options under PyTorch's names. */
function createOptimizer(
  kind: Kind,
  param: Tensor,
  options: Record<string, unknown>,
): InstanceType<(typeof kinds)[Kind]> {
  const camelCase = Object.entries(options).map(([name, value]) => [
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return new kinds[kind]([param], Object.fromEntries(camelCase));
}

interface GoldenRun {
  readonly optimizer: string;
  readonly options: Record<string, unknown>;
}

interface GoldenTrace {
  readonly params: readonly (readonly number[])[];
  readonly final_state: Readonly<Record<string, readonly number[]>>;
}

interface GoldenOptimizers {
  readonly p0: number[][];
  readonly grads: readonly number[][];
  readonly runs: Record<string, GoldenRun & { readonly float64: GoldenTrace; readonly float32: GoldenTrace }>;
  readonly bf16_runs: Record<string, GoldenRun & { readonly bfloat16: GoldenTrace }>;
}

describeShared('optimizers follow PyTorch step by step', ['golden/optimizers.json'], () => {
  const golden = readJson<GoldenOptimizers>('golden/optimizers.json');

  describe.each(Object.entries(golden.runs))('%s', (_, run) => {
    test('in float64, to 1e-12', () => check(run, run.float64, 'float64', 1e-12));
    test('in float32, to 1e-6', () => check(run, run.float32, 'float32', 1e-6));
  });

  // PyTorch's unfused steps round to bfloat16 after every operation, ours (like its fused ones) once: each step may add a
  // difference of one unit in the last place of the largest value that the parameter has had.
  test.each(Object.entries(golden.bf16_runs))('%s in bfloat16, to one unit in the last place per step', (_, run) => {
    const largest = golden.p0.flat().map(Math.abs);
    replay(run, 'bfloat16', ({ params }, step) => {
      const expected = run.bfloat16.params[step] as readonly number[];
      params.forEach((p, i) => {
        largest[i] = Math.max(largest[i] as number, Math.abs(p));
        const unit = finfo('bfloat16').eps * 2 ** Math.floor(Math.log2(largest[i]));
        expect(Math.abs(p - (expected[i] as number))).toBeLessThanOrEqual((step + 1) * unit);
      });
    });
  });

  function check(run: GoldenRun, trace: GoldenTrace, dtype: DType, tolerance: number): void {
    const final = replay(run, dtype, ({ params }, step) => {
      expectClose(params, trace.params[step] as readonly number[], tolerance);
    });
    const state = Object.entries(final.state[0] ?? {});
    const compared = state.filter(([name]) => name in trace.final_state);
    expect(compared.length).toBe(Object.keys(trace.final_state).length);
    for (const [name, values] of compared) {
      // Some elements are what is left of a sum of larger ones: the largest gives the scale.
      const expected = trace.final_state[name] as readonly number[];
      const scale = Math.max(1, ...expected.map(Math.abs));
      expectClose(Array.from(values.dataSync()), expected, tolerance * scale);
    }
  }

  function replay(
    { optimizer: kind, options }: GoldenRun,
    dtype: DType,
    visit: (state: { readonly params: readonly number[] }, step: number) => void,
  ): OptimizerStateDict {
    const param = tensor(golden.p0, { dtype, requiresGrad: true });
    const optimizer = createOptimizer(kind as Kind, param, options);
    golden.grads.forEach((grad, step) => {
      param.grad = tensor(grad, { dtype }).reshape(param.shape);
      optimizer.step();
      visit({ params: Array.from(param.dataSync()) }, step);
    });
    return optimizer.stateDict();
  }
});

interface SuiteTrace {
  readonly name: string;
  readonly w0: number[];
  readonly config: Record<string, unknown>;
  readonly steps: readonly { readonly grad: number[]; readonly weights: readonly number[] }[];
}

describeShared('optimizers follow the recorded traces', ['suites/torch/optimizers.json'], () => {
  const { traces } = readJson<{ traces: readonly SuiteTrace[] }>('suites/torch/optimizers.json');

  test.each(traces.map((trace) => [trace.name, trace] as const))('%s', (name, { w0, config, steps }) => {
    const param = tensor(w0, { dtype: 'float64', requiresGrad: true });
    const optimizer = createOptimizer(name.startsWith('adam') ? 'Adam' : 'SGD', param, config);
    for (const { grad, weights } of steps) {
      param.grad = tensor(grad, { dtype: 'float64' });
      optimizer.step();
      expectClose(Array.from(param.dataSync()), weights, 1e-12);
    }
  });
});

/** Relative to the value, and absolute below 1. */
function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((x, i) => {
    const y = expected[i] as number;
    expect(Math.abs(x - y)).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(y)));
  });
}
