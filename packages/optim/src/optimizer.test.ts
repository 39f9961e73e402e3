import { cpu } from '@halfgrad/backend-cpu';
import { type DType, setDefaultDevice, type Tensor, TensorError, tensor } from '@halfgrad/core';
import { array, constantFrom, double, assert as holds, integer, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  ASGD,
  LAMB,
  Lion,
  NAdam,
  type OptimizerStateDict,
  type ParamState,
  RAdam,
  RMSprop,
  Rprop,
  SGD,
  type StepOptions,
} from './index.ts';

setDefaultDevice(cpu);

interface AnyOptimizer {
  readonly state: ReadonlyMap<Tensor, ParamState>;
  step(options?: StepOptions): void;
  stateDict(): OptimizerStateDict;
  loadStateDict(saved: OptimizerStateDict): void;
}

type Create = (params: readonly Tensor[]) => AnyOptimizer;

const variants: Record<string, Create> = {
  SGD: (params) => new SGD(params, { lr: 0.1, weightDecay: 0.01 }),
  'SGD with momentum': (params) => new SGD(params, { lr: 0.1, momentum: 0.9, dampening: 0.5 }),
  'SGD with nesterov': (params) => new SGD(params, { lr: 0.1, momentum: 0.9, nesterov: true }),
  Adam: (params) => new Adam(params, { lr: 0.1, maximize: true }),
  'Adam with amsgrad': (params) => new Adam(params, { lr: 0.1, amsgrad: true }),
  AdamW: (params) => new AdamW(params, { lr: 0.1, betas: [0.5, 0.75], eps: 1e-3 }),
  'compensated SGD': (params) => new SGD(params, { lr: 1e-3, momentum: 0.9, rounding: 'compensated' }),
  'compensated AdamW': (params) => new AdamW(params, { rounding: 'compensated' }),
  RMSprop: (params) => new RMSprop(params, { momentum: 0.9, centered: true, weightDecay: 0.1 }),
  Adagrad: (params) => new Adagrad(params, { lrDecay: 0.1, initialAccumulatorValue: 0.5 }),
  Adadelta: (params) => new Adadelta(params, { maximize: true }),
  Adamax: (params) => new Adamax(params),
  NAdam: (params) => new NAdam(params, { weightDecay: 0.1, decoupledWeightDecay: true }),
  RAdam: (params) => new RAdam(params, { betas: [0.9, 0.99] }),
  ASGD: (params) => new ASGD(params, { t0: 1 }),
  Rprop: (params) => new Rprop(params, { rounding: 'compensated' }),
  LAMB: (params) => new LAMB(params, { weightDecay: 0.1 }),
  Lion: (params) => new Lion(params, { weightDecay: 0.1 }),
};
const cases = Object.entries(variants);

const floats = constantFrom<DType>('float16', 'bfloat16', 'float32', 'float64');
const ordinary = double({ noNaN: true, min: -8, max: 8 });
const gradients = array(array(ordinary, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 4 });

describe.each(cases)('%s', (_, create) => {
  test('changes nothing when foundInf is set, whatever the gradients', () => {
    const scenario = record({
      dtype: floats,
      before: gradients,
      grad: array(double(), { minLength: 3, maxLength: 3 }),
    });
    holds(
      property(scenario, integer({ min: 0, max: 4 }), ({ dtype, before, grad }, steps) => {
        const param = parameter([1, -2, 0.5], dtype);
        const optimizer = create([param]);
        for (const g of before.slice(0, steps)) stepWith(optimizer, param, g);
        const [values, state] = [valuesOf(param), stateOf(optimizer)];
        stepWith(optimizer, param, grad, tensor(1));
        expect(valuesOf(param)).toEqual(values);
        // Before the first step there is no state to compare with.
        if (steps > 0) expect(stateOf(optimizer)).toEqual(state);
      }),
    );
  });

  test('a skipped step does not change what later steps do', () => {
    holds(
      property(gradients, integer({ min: 0, max: 3 }), (grads, skipAt) => {
        const [skipping, plain] = [parameter([1, -2, 0.5]), parameter([1, -2, 0.5])];
        const optimizers = [create([skipping]), create([plain])] as const;
        grads.forEach((grad, i) => {
          if (i === skipAt) stepWith(optimizers[0], skipping, [Number.NaN, 1, Number.POSITIVE_INFINITY], tensor(1));
          stepWith(optimizers[0], skipping, grad, tensor(0));
          stepWith(optimizers[1], plain, grad);
        });
        expect(valuesOf(skipping)).toEqual(valuesOf(plain));
        expect(stateOf(optimizers[0])).toEqual(stateOf(optimizers[1]));
      }),
    );
  });

  test('continues bit for bit from a saved state, which later steps do not change', () => {
    holds(
      property(floats, gradients, gradients, (dtype, before, after) => {
        const original = parameter([1, -2, 0.5], dtype);
        const optimizer = create([original]);
        for (const grad of before) stepWith(optimizer, original, grad);
        const saved = optimizer.stateDict();
        const copy = parameter(valuesOf(original), dtype);
        for (const grad of after) stepWith(optimizer, original, grad);

        const resumed = create([copy]);
        resumed.loadStateDict(saved);
        for (const grad of after) stepWith(resumed, copy, grad);
        expect(valuesOf(copy)).toEqual(valuesOf(original));
        expect(stateOf(resumed)).toEqual(stateOf(optimizer));
      }),
    );
  });

  test('leaves a parameter without a gradient alone', () => {
    const [used, unused] = [parameter([1]), parameter([2])];
    const optimizer = create([used, unused]);
    used.grad = tensor([1]);
    optimizer.step();
    expect(valuesOf(used)).not.toEqual([1]);
    expect(valuesOf(unused)).toEqual([2]);
    expect(optimizer.state.has(unused)).toBe(false);
  });
});

describe('parameter groups', () => {
  test('have options of their own, which can change between steps', () => {
    const [slow, fast] = [parameter([1]), parameter([1])];
    const optimizer = new SGD([slow, { params: [fast], lr: 0.5 }], { lr: 0.25 });
    stepAll(optimizer);
    expect([slow.item(), fast.item()]).toEqual([0.75, 0.5]);
    optimizer.paramGroups[0].lr = 0.125;
    stepAll(optimizer);
    expect([slow.item(), fast.item()]).toEqual([0.625, 0]);

    function stepAll(sgd: SGD): void {
      for (const param of [slow, fast]) param.grad = tensor([1]);
      sgd.step();
    }
  });

  test('can switch momentum on', () => {
    const param = parameter([0]);
    const optimizer = new SGD([param], { lr: 1 });
    stepWith(optimizer, param, [1]);
    optimizer.paramGroups[0].momentum = 0.5;
    stepWith(optimizer, param, [1]);
    stepWith(optimizer, param, [1]);
    // Steps of 1, then a buffer of 1, then 0.5 · 1 + 1.
    expect(param.item()).toBe(-3.5);
  });

  test('can join later, with the defaults of the optimizer and options of their own', () => {
    const [early, late] = [parameter([1]), parameter([1])];
    const optimizer = new SGD([['early', early]], { lr: 0.25, maximize: true });
    optimizer.addParamGroup({ params: [['late', late]], lr: 0.5 });
    expect(optimizer.namedParameters().map(([name]) => name)).toEqual(['early', 'late']);
    expect(optimizer.paramGroups[1]).toMatchObject({ lr: 0.5, maximize: true });
    for (const param of [early, late]) param.grad = tensor([1]);
    optimizer.step();
    expect([early.item(), late.item()]).toEqual([1.25, 1.5]);
  });

  test('that are bad leave the optimizer as it was', () => {
    const [known, other] = [parameter([1]), parameter([1])];
    const optimizer = new SGD([known]);
    expect(() => optimizer.addParamGroup({ params: [other, known] })).toThrow(
      'SGD: "parameter 2" (float32[1]) appears',
    );
    expect(() => optimizer.addParamGroup({ params: [other], lr: -1 })).toThrow('SGD: lr is -1');
    expect(optimizer.paramGroups.length).toBe(1);
    expect(optimizer.namedParameters().length).toBe(1);
    optimizer.addParamGroup({ params: [other] });
  });

  test('keep the names of parameters, and number those without one', () => {
    const [a, b] = [parameter([1]), parameter([2])];
    const optimizer = new SGD([['fc.weight', a], { params: [b] }]);
    expect(optimizer.namedParameters().map(([name]) => name)).toEqual(['fc.weight', 'parameter 1']);
    expect(optimizer.parameterName(a)).toBe('fc.weight');
    expect(() => optimizer.parameterName(parameter([3]))).toThrow('SGD: float32[1] is none of its parameters');
  });

  test('forget gradients on demand', () => {
    const param = parameter([1]);
    param.grad = tensor([1]);
    new SGD([param]).zeroGrad();
    expect(param.grad).toBeUndefined();
  });
});

describe('state dictionaries', () => {
  test("have the shape and names of PyTorch's", () => {
    const [a, b] = [parameter([1, 2]), parameter([3])];
    const optimizer = new Adam([a, { params: [b], lr: 0.5 }], { weightDecay: 0.1, amsgrad: true });
    b.grad = tensor([1]);
    optimizer.step();
    const { state, param_groups } = optimizer.stateDict();
    expect(Object.keys(state)).toEqual(['1']);
    expect(Object.keys(state[1] ?? {})).toEqual(['step', 'exp_avg', 'exp_avg_sq', 'max_exp_avg_sq']);
    const shared = { betas: [0.9, 0.999], eps: 1e-8, weight_decay: 0.1, amsgrad: true, maximize: false };
    expect(param_groups).toEqual([
      { ...shared, lr: 1e-3, params: [0] },
      { ...shared, lr: 0.5, params: [1] },
    ]);
  });

  test("take PyTorch's SGD state, which has no step", () => {
    const param = parameter([1]);
    const optimizer = new SGD([param], { lr: 1, momentum: 0.5, dampening: 0.5 });
    const { param_groups } = optimizer.stateDict();
    optimizer.loadStateDict({ state: { 0: { momentum_buffer: tensor([4]) } }, param_groups });
    stepWith(optimizer, param, [2]);
    // 0.5 · 4 + 0.5 · 2 = 3; a first step would have filled the buffer with 2.
    expect(param.item()).toBe(-2);
  });

  test('bring their options along', () => {
    const optimizer = new SGD([parameter([1])], { lr: 1 });
    optimizer.loadStateDict(new SGD([parameter([1])], { lr: 0.25, weightDecay: 0.5 }).stateDict());
    expect(optimizer.paramGroups[0]).toMatchObject({ lr: 0.25, weightDecay: 0.5 });
  });

  test.each<[string, (good: OptimizerStateDict) => OptimizerStateDict, string]>([
    ['another number of parameters', (good) => ({ ...good, param_groups: [] }), 'it has groups of [] parameters'],
    ['a missing entry', (good) => ({ ...good, state: { 0: {}, 1: {} } }), '"a" has no step'],
    [
      'another shape',
      ({ state, param_groups }) => ({
        state: { ...state, 1: { ...state[1], exp_avg: tensor([1, 2, 3]) } },
        param_groups,
      }),
      'exp_avg of "b" is [3], should be [1]',
    ],
    [
      'impossible options',
      ({ state, param_groups: [group] }) => ({ state, param_groups: [{ params: [], ...group, lr: -1 }] }),
      'Adam: lr is -1',
    ],
  ])('with %s are rejected and change nothing', (_, spoil, message) => {
    const [a, b] = [parameter([1, 2]), parameter([3])];
    const optimizer = new Adam([
      ['a', a],
      ['b', b],
    ]);
    a.grad = tensor([1, 1]);
    b.grad = tensor([1]);
    optimizer.step();
    const spoiled = spoil(optimizer.stateDict());
    const [before, groups] = [stateOf(optimizer), { ...optimizer.paramGroups[0] }];
    expect(() => optimizer.loadStateDict(spoiled)).toThrow(message);
    expect(stateOf(optimizer)).toEqual(before);
    expect(optimizer.paramGroups[0]).toEqual(groups);
  });
});

describe('bad arguments', () => {
  const param = parameter([1]);

  test.each<[() => AnyOptimizer, string]>([
    [() => new SGD([]), 'SGD: there are no parameters'],
    [() => new SGD([param, ['again', param]]), 'SGD: "again" (float32[1]) appears twice'],
    [() => new Adam([['sum', param.add(1)]]), 'Adam: "sum" (float32[1]) was computed by an op. Only leaves'],
    [() => new SGD([param], { lr: -0.1 }), 'SGD: lr is -0.1. Use a number that is not negative.'],
    [() => new SGD([param], { lr: Number.NaN }), 'SGD: lr is NaN'],
    [() => new SGD([param], { momentum: -1 }), 'SGD: momentum is -1'],
    [() => new SGD([param], { nesterov: true }), 'SGD: nesterov needs momentum and no dampening'],
    [() => new SGD([param], { nesterov: true, momentum: 0.9, dampening: 0.1 }), 'and dampening 0.1'],
    [() => new Adam([param], { eps: -1e-8 }), 'Adam: eps is -1e-8'],
    [() => new AdamW([param], { betas: [0.9, 1] }), 'AdamW: betas are [0.9,1]. Use numbers from 0 to below 1.'],
    [() => new AdamW([{ params: [param], weightDecay: -1 }]), 'AdamW: weightDecay is -1'],
    [() => new RMSprop([param], { alpha: 1.5 }), 'RMSprop: alpha is 1.5. Use a number from 0 to 1.'],
    [() => new Adadelta([param], { rho: -0.1 }), 'Adadelta: rho is -0.1'],
    [() => new Lion([param], { betas: [1, 0.9] }), 'Lion: betas are [1,0.9]'],
    [() => new Rprop([param], { etas: [0.5, 0.9] }), 'Rprop: etas are [0.5,0.9]'],
    [() => new Rprop([param], { stepSizes: [1, 0.5] }), 'Rprop: stepSizes are [1,0.5]'],
    [
      () => new SGD([parameter([1], 'float16')], { rounding: 'stochastic' }),
      "SGD: stochastic rounding is for bfloat16 parameters. Use rounding: 'compensated' for float16.",
    ],
  ])('are rejected: %s', (create, message) => {
    expect(create).toThrow(TensorError);
    expect(create).toThrow(message);
  });
});

function parameter(values: readonly number[], dtype: DType = 'float32'): Tensor {
  return tensor(values, { dtype, requiresGrad: true });
}

function stepWith(optimizer: AnyOptimizer, param: Tensor, grad: readonly number[], foundInf?: Tensor): void {
  param.grad = tensor(grad, { dtype: param.dtype });
  optimizer.step({ foundInf });
}

function valuesOf(x: Tensor): number[] {
  return Array.from(x.dataSync());
}

function stateOf({ state }: AnyOptimizer): unknown {
  const states: Iterable<ParamState> = state.values();
  return Array.from(states, (entries) => Object.entries(entries).map(([name, value]) => [name, valuesOf(value)]));
}
