import { cpu } from '@halfgrad/backend-cpu';
import { type DType, finfo, Generator, ones, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { describeShared, readJson } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { Adam, type RoundingOptions, SGD } from './index.ts';

setDefaultDevice(cpu);

/** A weight of 1 that 200 steps of SGD each change by `update`, looked at every 20. */
function drift(update: number, options: Partial<RoundingOptions> & { generator?: Generator }, count = 1) {
  const param = ones([count], { dtype: 'bfloat16', requiresGrad: true });
  const optimizer = new SGD([param], { lr: 1, ...options });
  param.grad = tensor(new Float32Array(count).fill(-update), { dtype: 'bfloat16' });
  return Array.from({ length: 10 }, () => {
    for (let i = 0; i < 20; i++) optimizer.step();
    return { values: valuesOf(param), compensation: valuesOf(optimizer.state.get(param)?.compensation)[0] ?? 0 };
  });
}

interface GoldenUpdates {
  readonly bf16_updates: Readonly<
    Record<
      string,
      {
        readonly plain_bf16: readonly number[];
        readonly kahan_bf16: readonly number[];
        readonly kahan_compensation: readonly number[];
      }
    >
  >;
}

/** The spacing of bfloat16 numbers in the binade of `x`. */
const unit = (x: number): number => finfo('bfloat16').eps * 2 ** Math.floor(Math.log2(Math.abs(x)));

describeShared('200 equal updates of a bfloat16 weight', ['golden/lowbit_recipes.json'], () => {
  const { bf16_updates } = readJson<GoldenUpdates>('golden/lowbit_recipes.json');
  const cases = Object.entries(bf16_updates).map(
    ([update, golden]) => [roundedUpdate(Number(update)), golden] as const,
  );

  test.each(cases)('of %d stand still or stumble when rounded to nearest', (update, golden) => {
    expect(drift(update, {}).map(({ values: [value] }) => value)).toEqual(golden.plain_bf16);
  });

  // The recorded recipe also rounds what it keeps to bfloat16 before it splits off what the weight takes up: after n
  // updates the two may have drifted apart by n half units of a number as large as half a unit of the weight.
  test.each(cases)('of %d advance when compensated, at least as exactly as the recorded recipe', (update, golden) => {
    drift(update, { rounding: 'compensated' }).forEach(({ values, compensation }, i) => {
      const steps = 20 * (i + 1);
      const exact = 1 + steps * update;
      const value = values[0] as number;
      const recorded = (golden.kahan_bf16[i] as number) + (golden.kahan_compensation[i] as number);
      const drifted = steps * (unit(unit(exact) / 2) / 2);
      expect(Math.abs(value + compensation - exact)).toBeLessThanOrEqual(drifted);
      expect(Math.abs(value + compensation - recorded)).toBeLessThanOrEqual(2 * drifted);
      expect(Math.abs(compensation)).toBeLessThanOrEqual(unit(value) / 2);
    });
  });

  // The mean of 1000 weights: each of n roundings adds a variance of at most unit²/4.
  test.each(cases)('of %d advance on average when rounded stochastically', (update) => {
    const count = 1000;
    const final = drift(update, { rounding: 'stochastic', generator: new Generator(5) }, count).at(-1);
    const mean = (final?.values ?? []).reduce((total, value) => total + value, 0) / count;
    const exact = 1 + 200 * update;
    const standardError = (unit(exact) / 2) * Math.sqrt(200 / count);
    expect(Math.abs(mean - exact)).toBeLessThanOrEqual(4 * standardError);
  });
});

describe('rounding of updates', () => {
  test.each<DType>(['float16', 'bfloat16'])('compensated %s follows float32 master weights', (dtype) => {
    const options = { lr: 1e-4 };
    const low = tensor([1, -2, 0.5], { dtype, requiresGrad: true });
    const master = tensor([1, -2, 0.5], { requiresGrad: true });
    const optimizers = [new SGD([low], { ...options, rounding: 'compensated' }), new SGD([master], options)];
    for (let step = 0; step < 100; step++) {
      low.grad = tensor([0.5, -1, 2], { dtype });
      master.grad = tensor([0.5, -1, 2]);
      for (const optimizer of optimizers) optimizer.step();
    }
    // Half a unit for the weight; what 100 roundings of the compensation add is far below the other half.
    const { eps } = finfo(dtype);
    valuesOf(master).forEach((expected, i) => {
      expect(Math.abs((valuesOf(low)[i] as number) - expected)).toBeLessThanOrEqual(eps * Math.abs(expected));
    });
  });

  test('leaves float32 parameters alone', () => {
    const run = (options: RoundingOptions): number[] => {
      const param = ones([1], { requiresGrad: true });
      const optimizer = new Adam([param], options);
      param.grad = tensor([1]);
      optimizer.step();
      expect(Object.keys(optimizer.state.get(param) ?? {})).toEqual(['step', 'expAvg', 'expAvgSq']);
      return valuesOf(param);
    };
    expect(run({ rounding: 'compensated' })).toEqual(run({}));
    expect(run({ rounding: 'stochastic' })).toEqual(run({}));
  });

  test('repeats itself with a generator of the same seed, and leaves the default one alone', () => {
    const run = (): unknown => drift(1e-3, { rounding: 'stochastic', generator: new Generator(7) }, 16);
    expect(run()).toEqual(run());
  });

  test("compensation begins at zero for a state that has none, such as PyTorch's", () => {
    const param = ones([1], { dtype: 'bfloat16', requiresGrad: true });
    param.grad = tensor([-1], { dtype: 'bfloat16' });
    const plain = new Adam([param]);
    plain.step();
    const optimizer = new Adam([param], { rounding: 'compensated' });
    optimizer.loadStateDict(plain.stateDict());
    expect(valuesOf(optimizer.state.get(param)?.compensation)).toEqual([0]);
    optimizer.step();
    expect(Object.keys(optimizer.stateDict().state[0] ?? {})).toContain('compensation');
  });

  test('can be switched to compensated between steps', () => {
    const param = ones([1], { dtype: 'bfloat16', requiresGrad: true });
    const optimizer = new SGD([param], { lr: 1, momentum: 0.5 });
    param.grad = tensor([0.5], { dtype: 'bfloat16' });
    optimizer.step();
    optimizer.paramGroups[0].rounding = 'compensated';
    optimizer.step();
    // The momentum buffer is kept: 1 − 0.5 − (0.25 + 0.5).
    expect(valuesOf(param)).toEqual([-0.25]);
    expect(Object.keys(optimizer.state.get(param) ?? {})).toContain('compensation');
  });
});

function roundedUpdate(value: number): number {
  return tensor([value], { dtype: 'bfloat16' }).item();
}

function valuesOf(x: Tensor | undefined): number[] {
  return x ? Array.from(x.dataSync()) : [];
}
