import { cpu } from '@halfgrad/backend-cpu';
import {
  crossEntropy,
  type DType,
  full,
  manualSeed,
  mseLoss,
  ones,
  randn,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '@halfgrad/core';
import { BatchNorm1d, copyModule, Linear, Module, ReLU, Sequential } from '@halfgrad/nn';
import { clipGradNorm, SGD } from '@halfgrad/optim';
import { describe, expect, test } from 'vitest';
import { autocast } from './autocast.ts';
import { GradScaler } from './grad-scaler.ts';
import { type PrecisionName, precision, precisionNames } from './precision.ts';

setDefaultDevice(cpu);

function createModel(): Sequential {
  manualSeed(1);
  return new Sequential(new Linear(4, 8), new BatchNorm1d(8), new ReLU(), new Linear(8, 3));
}

manualSeed(2);
const x = randn([16, 4]);
const labels = tensor(
  Array.from({ length: 16 }, (_, i) => i % 3),
  { dtype: 'int32' },
);
const valuesOf = (tensors: Iterable<Tensor>): unknown => Array.from(tensors, (t) => t.toArray());

/** The loop that is the same for all. */
function train(name: PrecisionName, steps: number): { losses: number[]; model: Sequential } {
  const model = createModel();
  const training = precision(name).prepare(model);
  const optimizer = new SGD(training.namedParameters(), { lr: 0.1, momentum: 0.9 });
  const losses = Array.from({ length: steps }, () => {
    optimizer.zeroGrad();
    const loss = crossEntropy(training.forward(x), labels);
    training.backward(loss);
    training.step(optimizer);
    return loss.item();
  });
  return { losses, model };
}

/** One weight that is multiplied with the input: y = w · x. */
class Scale extends Module {
  readonly linear: Linear = new Linear(1, 1, { bias: false });

  forward(input: Tensor): Tensor {
    return this.linear.forward(input);
  }
}

function scaleOf(value: number): Scale {
  const model = new Scale();
  model.loadStateDict({ 'linear.weight': full([1, 1], value) });
  return model;
}

describe('one training loop', () => {
  test.each(precisionNames)('ends in %s about where float32 does (E3, E4)', (name) => {
    const [reference, { losses }] = [train('32-true', 20).losses, train(name, 20)];
    const [start, end] = [reference[0] as number, reference.at(-1) as number];
    expect(end).toBeLessThan(start);
    // The whole way is many times the rounding errors of any of the formats.
    expect(Math.abs((losses.at(-1) as number) - end)).toBeLessThan((start - end) / 50);
  });

  const dtypes: readonly [PrecisionName, DType, DType, DType, boolean][] = [
    ['32-true', 'float32', 'float32', 'float32', false],
    ['16-mixed', 'float32', 'float32', 'float32', true],
    ['bf16-mixed', 'float32', 'float32', 'float32', false],
    ['16-true', 'float16', 'float16', 'float16', false],
    ['bf16-true', 'bfloat16', 'bfloat16', 'bfloat16', false],
    ['manual-16', 'float16', 'float32', 'float32', true],
  ];
  test.each(dtypes)('%s keeps weights in %s, batch norms in %s, what is updated in %s (E3, E4)', (...row) => {
    const [name, weights, norms, updated, isScaled] = row;
    const model = createModel();
    const training = precision(name).prepare(model);
    const state = new Map(model.namedParameters());
    expect(state.get('0.weight')?.dtype).toBe(weights);
    expect(state.get('1.weight')?.dtype).toBe(norms);
    expect(training.namedParameters().map(([, { dtype }]) => dtype)).toEqual(Array(6).fill(updated));
    expect(training.namedParameters().map(([key]) => key)).toEqual([...state.keys()]);
    expect(training.scaler.isEnabled).toBe(isScaled);
    // Inputs of any dtype go in, float32 comes out.
    expect(training.forward(x.to('float64').to('float32')).dtype).toBe('float32');
    if (weights !== 'float32') expect(training.forward(x.to('float64')).dtype).toBe('float32');
  });

  test('is bit for bit the plain loop in 32-true', () => {
    const model = createModel();
    const optimizer = new SGD(model.namedParameters(), { lr: 0.1, momentum: 0.9 });
    for (let step = 0; step < 5; step++) {
      optimizer.zeroGrad();
      crossEntropy(model.forward(x), labels).backward();
      optimizer.step();
    }
    expect(valuesOf(train('32-true', 5).model.parameters())).toEqual(valuesOf(model.parameters()));
  });

  test('is bit for bit autocast with a scaler in 16-mixed', () => {
    const model = createModel();
    const optimizer = new SGD(model.namedParameters(), { lr: 0.1, momentum: 0.9 });
    const scaler = new GradScaler();
    for (let step = 0; step < 5; step++) {
      optimizer.zeroGrad();
      scaler.scale(autocast({}, () => crossEntropy(model.forward(x), labels))).backward();
      scaler.step(optimizer);
      scaler.update();
    }
    expect(valuesOf(train('16-mixed', 5).model.parameters())).toEqual(valuesOf(model.parameters()));
  });

  test('clips between unscale and step (B7.1)', () => {
    const model = scaleOf(1);
    const training = precision('16-mixed', { scaler: { initScale: 16 } }).prepare(model);
    const optimizer = new SGD(training.namedParameters(), { lr: 1 });
    training.backward(training.forward(full([1, 1], 64)).sum());
    training.unscale(optimizer);
    clipGradNorm(model.parameters(), 0.5);
    training.step(optimizer);
    expect(model.linear.weight.item()).toBeCloseTo(0.5, 5);
  });
});

describe('master weights (E4)', () => {
  test('add up updates that 16 bit rounds away (D3.8)', () => {
    // 1 − 2⁻¹² rounds to 1 in float16, where the next number below 1 is 1 − 2⁻¹¹.
    const after = (name: PrecisionName): number => {
      const model = scaleOf(1);
      const training = precision(name).prepare(model);
      const optimizer = new SGD(training.namedParameters(), { lr: 2 ** -12 });
      for (let step = 0; step < 64; step++) {
        optimizer.zeroGrad();
        training.backward(training.forward(ones([1, 1])).sum());
        training.step(optimizer);
      }
      return model.linear.weight.item();
    };
    expect([after('16-true'), after('manual-16')]).toEqual([1, 1 - 2 ** -6]);
  });

  test('take the gradients of micro-batches in float32 (B7.2, T-GS-15)', () => {
    const model = scaleOf(0);
    const training = precision('manual-16', { scaler: { initScale: 1 } }).prepare(model);
    const optimizer = new SGD(training.namedParameters(), { lr: 1 });
    for (const input of [2048, 1]) training.backward(training.forward(full([1, 1], input)).sum());
    const [[, master]] = training.namedParameters() as [[string, Tensor]];
    // 2048 + 1 is 2048 in float16.
    expect([master.grad?.dtype, master.grad?.item()]).toEqual(['float32', 2049]);
    expect(model.linear.weight.grad).toBeUndefined();
    expect(training.step(optimizer).stepped).toBe(true);
  });

  test('and the model stay as they are when a gradient overflows', () => {
    const model = scaleOf(0.5);
    const training = precision('manual-16', { scaler: { initScale: 2 ** 15 } }).prepare(model);
    const optimizer = new SGD(training.namedParameters(), { lr: 1 });
    const before = valuesOf([...model.parameters(), ...training.namedParameters().map(([, p]) => p)]);
    training.backward(training.forward(full([1, 1], 100)).sum());
    expect(training.step(optimizer).stepped).toBe(false);
    expect(valuesOf([...model.parameters(), ...training.namedParameters().map(([, p]) => p)])).toEqual(before);
    expect(training.scaler.getScale()).toBe(2 ** 14);
  });

  test('refuse to mix gradients of two iterations', () => {
    const training = precision('manual-16').prepare(scaleOf(0.5));
    const optimizer = new SGD(training.namedParameters(), { lr: 1 });
    const backward = () => training.backward(training.forward(ones([1, 1])).sum());
    backward();
    training.step(optimizer);
    expect(backward).toThrow(expect.objectContaining({ code: 'mixed-loss-scales' }) as Error);
  });

  test('are the recipe by hand, bit for bit', () => {
    const master = createModel();
    const half = copyModule(master).to('float16', { except: (m) => m instanceof BatchNorm1d });
    const pairs = half.parameters().map((copy, i) => [copy, master.parameters()[i] as Tensor] as const);
    const optimizer = new SGD(master.namedParameters(), { lr: 0.1, momentum: 0.9 });
    const scaler = new GradScaler();
    for (let step = 0; step < 5; step++) {
      half.zeroGrad();
      scaler.scale(crossEntropy(half.forward(x.to('float16')).to('float32'), labels)).backward();
      for (const [copy, wide] of pairs) wide.grad = copy.grad?.detach().to('float32');
      scaler.step(optimizer);
      scaler.update();
      half.loadStateDict(Object.fromEntries(master.namedParameters()), { strict: false });
    }
    expect(valuesOf(train('manual-16', 5).model.parameters())).toEqual(valuesOf(half.parameters()));
  });
});

describe('a precision', () => {
  test('refuses names that do not exist, and lists those that do', () => {
    expect(() => precision('fp16' as PrecisionName)).toThrow(/"fp16" is none of 32-true, 16-mixed,/);
  });

  test('refuses a scaler where it has no loss scale (E3)', () => {
    expect(() => precision('bf16-mixed', { scaler: {} })).toThrow(/bf16-mixed has no loss scale/);
  });

  test('passes options on to its region, and runs hand-written losses in it', () => {
    const training = precision('16-mixed', { autocast: { overrides: { linear: 'float32' } } }).prepare(createModel());
    const dtypes = training.region(() => {
      const y = training.model.forward(x);
      return [y.dtype, mseLoss(y, y).dtype];
    });
    expect(dtypes).toEqual(['float32', 'float32']);
  });

  test('keeps modules in float32 that it is told to keep', () => {
    const model = createModel();
    precision('16-true', { keepFloat32: (module) => module instanceof BatchNorm1d }).prepare(model);
    expect(new Map(model.namedParameters()).get('1.weight')?.dtype).toBe('float32');
  });
});
