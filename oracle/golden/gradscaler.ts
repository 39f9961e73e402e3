import { GradScaler, type GradScalerState } from '@halfgrad/amp';
import { type Device, type Tensor, tensor, where } from '@halfgrad/core';
import { Adam, clipGradNorm, SGD } from '@halfgrad/optim';
import { decodeNumber, type GoldenNumber, readJson } from '@halfgrad/testing';
import { type Claim, claimNow, exactly, expectEqual, near } from '../compare.ts';
import type { Suite } from '../suite.ts';

interface Scenario {
  readonly name: string;
  readonly config: {
    readonly lr: number;
    readonly enabled: boolean;
    readonly unscale_before_step: boolean;
    readonly clip_grad_norm: number | null;
    readonly initial_weights: readonly number[];
    readonly init_scale: number;
    readonly growth_interval: number;
  };
  readonly steps: readonly {
    readonly grad: readonly GoldenNumber[];
    readonly scaled_grad: readonly GoldenNumber[];
    readonly weights_after: readonly GoldenNumber[];
    readonly changed: boolean;
    readonly scale_after: number;
  }[];
  readonly state_dict: GradScalerState;
}

interface Loop {
  readonly name: string;
  readonly init_scale: number;
  readonly growth_interval: number;
  /** What replaces element 1 of a gradient, by step and optimizer: `"1,0"`. */
  readonly inject: Readonly<Record<string, GoldenNumber>>;
  readonly accum: number;
  readonly clip: number | null;
  readonly explicit_unscale: boolean;
  readonly steps: readonly {
    readonly scale: number;
    readonly tracker: number;
    readonly params: readonly (readonly GoldenNumber[])[];
  }[];
}

const basic = 'suites/torch/gradscaler_basic.json';
const loops = 'golden/gradscaler_scenarios.json';

export const gradScalerSuites: readonly Suite[] = [
  {
    name: 'gradscaler_scenarios',
    source: "Training loops with PyTorch's GradScaler (AMP.md B7)",
    tolerance: 'parameters 1e-6 relative, scale and tracker exact',
    files: [loops],
    cases: () =>
      readJson<{ scenarios: readonly Loop[] }>(loops).scenarios.map((loop) => ({
        name: loop.name,
        run: (device) => runLoop(loop, device),
      })),
  },
  {
    name: 'torch-gradscaler-basic',
    source: "PyTorch's GradScaler, step by step",
    tolerance: 'exact',
    files: [basic],
    cases: () =>
      readJson<{ scenarios: readonly Scenario[] }>(basic).scenarios.map((scenario) => ({
        name: scenario.name,
        run: (device) => runScenario(scenario, device),
      })),
  },
];

function runScenario({ config, steps, state_dict }: Scenario, device: Device): Claim[] {
  const w = tensor([...config.initial_weights], { device, requiresGrad: true });
  const optimizer = new SGD([w], { lr: config.lr });
  const scaler = new GradScaler({
    initScale: config.init_scale,
    growthInterval: config.growth_interval,
    enabled: config.enabled,
    minScale: 2 ** -100,
  });
  const claims = steps.flatMap((step, i) => {
    const now = (what: string, actual: Tensor, expected: readonly GoldenNumber[]): Claim =>
      claimNow(`${what} of step ${i}`, actual, expected.map(decodeNumber), exactly);
    optimizer.zeroGrad();
    scaler.scale(w.mul(tensor(step.grad.map(decodeNumber), { device })).sum()).backward();
    const gradient = now('scaled gradient', w.grad as Tensor, step.scaled_grad);
    if (config.unscale_before_step) scaler.unscale(optimizer);
    if (config.clip_grad_norm !== null) clipGradNorm([w], config.clip_grad_norm);
    const result = scaler.step(optimizer);
    scaler.update();
    expectEqual(`stepped in step ${i}`, result.stepped, step.changed);
    expectEqual(`scale after step ${i}`, scaler.getScale(), step.scale_after);
    return [gradient, now('weights', w, step.weights_after)];
  });
  expectEqual('state', sorted(scaler.stateDict()), sorted(state_dict));
  return claims;
}

function sorted(state: object): object {
  return Object.fromEntries(Object.entries(state).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** loss = Σⱼ (Σ pⱼ · x · (i + 1 + j) − 0.25)² / accum, for optimizer j in step i. */
function runLoop(loop: Loop, device: Device): Claim[] {
  const x = tensor([0.3, -0.7, 1.1], { device });
  const params = (loop.steps[0]?.params ?? []).map(() => tensor([1, -2, 0.5], { device, requiresGrad: true }));
  const optimizers = params.map((p, j) => optimizerOf(loop.name, p, j));
  const scaler = new GradScaler({ initScale: loop.init_scale, growthInterval: loop.growth_interval });
  return loop.steps.flatMap((expected, i) => {
    for (const optimizer of optimizers) optimizer.zeroGrad();
    for (let micro = 0; micro < loop.accum; micro++) {
      const losses = params.map((p, j) =>
        p
          .mul(x)
          .mul(i + 1 + j)
          .sum()
          .sub(0.25)
          .pow(2)
          .div(loop.accum),
      );
      scaler.scale(losses.reduce((a, b) => a.add(b))).backward();
    }
    params.forEach((p, j) => {
      const value = loop.inject[`${i},${j}`];
      if (value !== undefined) p.grad = withSecond(p.grad as Tensor, decodeNumber(value));
    });
    if (loop.explicit_unscale || loop.clip !== null) for (const optimizer of optimizers) scaler.unscale(optimizer);
    if (loop.clip !== null) clipGradNorm(params, loop.clip);
    for (const optimizer of optimizers) scaler.step(optimizer);
    scaler.update(setByHand(loop.name, i));
    const { scale, _growth_tracker: tracker } = scaler.stateDict() as GradScalerState;
    expectEqual(`[scale, tracker] after step ${i}`, [scale, tracker], [expected.scale, expected.tracker]);
    return params.map((p, j) => {
      const values = (expected.params[j] ?? []).map(decodeNumber);
      return claimNow(`parameter ${j} after step ${i}`, p, values, near(1e-6));
    });
  });
}

/** The scale that one loop sets in its second step. */
function setByHand(name: string, step: number): number | undefined {
  return name.startsWith('manual update') && step === 1 ? 1000 : undefined;
}

/** The names say which optimizer it was. */
function optimizerOf(name: string, p: Tensor, j: number): Adam | SGD {
  if (/adam/i.test(name) && !(name.includes('two') && j === 0)) return new Adam([p], { lr: 0.1 });
  return new SGD([p], { lr: 0.05, momentum: /momentum/.test(name) ? 0.9 : 0 });
}

/** A gradient of three elements with another in the middle. */
function withSecond(grad: Tensor, value: number): Tensor {
  const isSecond = tensor([false, true, false], { device: grad.device });
  return where(isSecond, value, grad);
}
