import { cpu } from '@halfgrad/backend-cpu';
import {
  embedding,
  Generator,
  linear,
  ones,
  scope,
  setDefaultDevice,
  type Tensor,
  tensor,
  zeros,
} from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import {
  type AnyModule,
  BatchNorm1d,
  BatchNorm2d,
  Buffer,
  Conv2d,
  Conv3d,
  ConvTranspose2d,
  copyModule,
  Dropout,
  Embedding,
  Flatten,
  GRUCell,
  GroupNorm,
  InstanceNorm2d,
  LayerNorm,
  Linear,
  Module,
  MultiheadAttention,
  Parameter,
  PReLU,
  ReLU,
  RMSNorm,
  Sequential,
} from './index.ts';

setDefaultDevice(cpu);

/** A language model in miniature: arrays, a plain object, a buffer, and one table used twice. */
class TinyModel extends Module {
  readonly tokens = new Embedding(5, 4);
  readonly layers = [new Linear(4, 4), new Linear(4, 4, { bias: false })];
  readonly heads = { outputHead: new Linear(4, 2) };
  readonly decoder: Parameter = this.tokens.weight;
  readonly positionIds = new Buffer(zeros([3], { dtype: 'int32' }));
  readonly scale = new Parameter(ones([4]));
  readonly notes = ['strings and', 1, undefined, null];

  forward(ids: Tensor): Tensor {
    const hidden = this.layers.reduce((x, layer) => layer.forward(x), embedding(ids, this.tokens.weight));
    return linear(hidden.mul(this.scale), this.decoder);
  }
}

describe('names', () => {
  test.each<[string, AnyModule, string[]]>([
    ['Linear', new Linear(2, 3), ['weight', 'bias']],
    ['Linear without bias', new Linear(2, 3, { bias: false }), ['weight']],
    ['Conv2d', new Conv2d(1, 2, 3), ['weight', 'bias']],
    ['BatchNorm2d', new BatchNorm2d(2), ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked']],
    [
      'BatchNorm1d without affine',
      new BatchNorm1d(2, { affine: false }),
      ['running_mean', 'running_var', 'num_batches_tracked'],
    ],
    ['LayerNorm', new LayerNorm(4), ['weight', 'bias']],
    ['LayerNorm without bias', new LayerNorm(4, { bias: false }), ['weight']],
    ['LayerNorm without affine', new LayerNorm(4, { elementwiseAffine: false }), []],
    ['Embedding', new Embedding(4, 2), ['weight']],
    ['Conv3d', new Conv3d(1, 2, 3), ['weight', 'bias']],
    ['ConvTranspose2d without bias', new ConvTranspose2d(1, 2, 3, { bias: false }), ['weight']],
    ['GroupNorm', new GroupNorm(2, 4), ['weight', 'bias']],
    ['InstanceNorm2d', new InstanceNorm2d(2), []],
    ['InstanceNorm2d with affine', new InstanceNorm2d(2, { affine: true }), ['weight', 'bias']],
    ['RMSNorm', new RMSNorm(4), ['weight']],
    ['PReLU', new PReLU(2), ['weight']],
    [
      'MultiheadAttention',
      new MultiheadAttention(4, 2),
      ['in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias'],
    ],
    ['GRUCell', new GRUCell(3, 2), ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh']],
    [
      'Sequential',
      new Sequential(new Linear(2, 3), new ReLU(), new Sequential(new Linear(3, 1))),
      ['0.weight', '0.bias', '2.0.weight', '2.0.bias'],
    ],
  ])("of %s are PyTorch's", (_, module, keys) => {
    expect(Object.keys(module.stateDict())).toEqual(keys);
  });

  test('of fields are in snake case, with indices for arrays, and a module’s own tensors first', () => {
    expect(Object.keys(new TinyModel().stateDict())).toEqual([
      'decoder',
      'position_ids',
      'scale',
      'tokens.weight',
      'layers.0.weight',
      'layers.0.bias',
      'layers.1.weight',
      'heads.output_head.weight',
      'heads.output_head.bias',
    ]);
  });

  test('that begin with a capital are kept', () => {
    class BertOutput extends Module {
      readonly LayerNorm = new LayerNorm(2);
      forward(x: Tensor): Tensor {
        return this.LayerNorm.forward(x);
      }
    }
    expect(Object.keys(new BertOutput().stateDict())).toEqual(['LayerNorm.weight', 'LayerNorm.bias']);
  });

  test('list a shared parameter once, and modules parents first', () => {
    const model = new TinyModel();
    expect(model.namedParameters().map(([name]) => name)).toEqual([
      'decoder',
      'scale',
      'layers.0.weight',
      'layers.0.bias',
      'layers.1.weight',
      'heads.output_head.weight',
      'heads.output_head.bias',
    ]);
    expect(model.namedBuffers()).toEqual([['position_ids', model.positionIds]]);
    expect(model.namedModules().map(([name]) => name)).toEqual([
      '',
      'tokens',
      'layers.0',
      'layers.1',
      'heads.output_head',
    ]);
    expect(model.namedChildren().map(([name]) => name)).toEqual([
      'tokens',
      'layers.0',
      'layers.1',
      'heads.output_head',
    ]);
  });

  test('are refused to a tensor that should have been a parameter', () => {
    class Forgetful extends Module {
      readonly weight = zeros([2], { requiresGrad: true });
      forward(x: Tensor): Tensor {
        return x.mul(this.weight);
      }
    }
    expect(() => new Forgetful().parameters()).toThrow(
      'Forgetful: "weight" requires a gradient but is no parameter. Write new Parameter(weight).',
    );
  });
});

describe('modes', () => {
  test('reach every descendant', () => {
    const model = new Sequential(new Dropout(), new Sequential(new BatchNorm2d(1)));
    expect(
      model
        .eval()
        .modules()
        .map(({ training }) => training),
    ).toEqual([false, false, false, false]);
    expect(
      model
        .train()
        .modules()
        .map(({ training }) => training),
    ).toEqual([true, true, true, true]);
  });

  test('a frozen parameter gets no gradient but stays in the state', () => {
    const model = new Sequential(new Linear(2, 2), new Linear(2, 1));
    model.children()[0]?.requiresGrad(false);
    model
      .forward(ones([1, 2]))
      .sum()
      .backward();
    expect(model.parameters().map(({ grad }) => grad !== undefined)).toEqual([false, false, true, true]);
    expect(Object.keys(model.stateDict()).length).toBe(4);
    model.zeroGrad();
    expect(model.parameters().every(({ grad }) => grad === undefined)).toBe(true);
  });

  test('apply visits children before their parents', () => {
    const names: string[] = [];
    new Sequential(new Linear(1, 1), new Sequential(new ReLU())).apply((module) => names.push(module.constructor.name));
    expect(names).toEqual(['Linear', 'ReLU', 'Sequential', 'Sequential']);
  });

  test('parameters and buffers survive the scope they are made in', () => {
    const model = scope(() => new BatchNorm1d(2));
    expect([...model.parameters(), ...model.buffers()].some(({ isDisposed }) => isDisposed)).toBe(false);
  });
});

describe('loadStateDict', () => {
  test('takes over values in place, cast to the dtype of the module', () => {
    const model = new Linear(2, 1, { dtype: 'float16' });
    const { weight } = model;
    model.loadStateDict({ weight: tensor([[1.0001, 2]]), bias: tensor([3], { dtype: 'float64' }) });
    expect(model.weight).toBe(weight);
    expect([weight.dtype, weight.toArray()]).toEqual(['float16', [[1, 2]]]);
    expect(model.bias?.toArray()).toEqual([3]);
  });

  test('copies one model into another', () => {
    const [source, target] = [new TinyModel(), new TinyModel()];
    target.loadStateDict(source.stateDict());
    const ids = tensor([0, 4], { dtype: 'int32' });
    expect(target.forward(ids).toArray()).toEqual(source.forward(ids).toArray());
  });

  test('lists everything that does not fit, and changes nothing', () => {
    const model = new Sequential(new Linear(2, 2), new Linear(2, 1));
    const before = values(model);
    const { '0.bias': _, ...rest } = model.stateDict();
    const load = (): unknown =>
      model.loadStateDict({ '0.weight': zeros([2, 2]), ...rest, '1.weight': zeros([1, 3]), 'fc.bias': zeros([7]) });
    expect(load).toThrow(
      'loadStateDict: the state does not fit Sequential: missing "0.bias" (float32[2]); ' +
        'unexpected "fc.bias" (float32[7]); "1.weight" is [1,3], should be [1,2].',
    );
    expect(values(model)).toEqual(before);
  });

  test('changes nothing either when a tensor cannot be read', () => {
    const model = new Linear(2, 1);
    const before = values(model);
    const bias = zeros([1]);
    bias.dispose();
    expect(() => model.loadStateDict({ weight: zeros([1, 2]), bias })).toThrow('bias');
    expect(values(model)).toEqual(before);
  });

  test('ignores and reports keys without a counterpart when it is not strict', () => {
    const model = new Linear(2, 1);
    const report = model.loadStateDict({ weight: zeros([1, 2]), other: zeros([1]) }, { strict: false });
    expect(report).toEqual({ missing: ['bias'], unexpected: ['other'] });
    expect(model.weight.toArray()).toEqual([[0, 0]]);
    expect(() => model.loadStateDict({ weight: zeros([3]) }, { strict: false })).toThrow('is [3], should be [1,2]');
  });

  test('a state keeps its values when the module changes', () => {
    const model = new Linear(1, 1);
    const state = model.stateDict();
    const before = state['weight']?.item();
    model.loadStateDict({ weight: tensor([[7]]), bias: tensor([8]) });
    expect(state['weight']?.item()).toBe(before);
  });
});

describe('to', () => {
  test('casts floating-point parameters and buffers and keeps integers, ties and frozenness', () => {
    const model = new TinyModel();
    model.scale.requiresGrad = false;
    expect(model.to('bfloat16')).toBe(model);
    expect(new Set(model.parameters().map(({ dtype }) => dtype))).toEqual(new Set(['bfloat16']));
    expect(model.positionIds.dtype).toBe('int32');
    expect(model.decoder).toBe(model.tokens.weight);
    expect(model.decoder).toBeInstanceOf(Parameter);
    expect([model.scale.requiresGrad, model.decoder.requiresGrad]).toEqual([false, true]);
  });

  test('keeps the parameters themselves when nothing changes', () => {
    const model = new Linear(1, 1);
    const parameters = model.parameters();
    model.to('float32').to(cpu);
    expect(model.parameters().map((parameter, i) => parameter === parameters[i])).toEqual([true, true]);
  });

  test('casts gradients along', () => {
    const model = new Linear(2, 1);
    model
      .forward(ones([1, 2]))
      .sum()
      .backward();
    model.to('float16');
    expect([model.weight.grad?.dtype, model.weight.grad?.toArray()]).toEqual(['float16', [[1, 1]]]);
  });

  test('refuses a dtype that cannot learn', () => {
    expect(() => new Linear(1, 1).to('int32')).toThrow('to: a module cannot be int32. Use a floating-point dtype.');
  });
});

describe('copyModule', () => {
  test('copies tensors and structure, with the ties', () => {
    const model = new TinyModel().eval();
    const copy = copyModule(model);
    expect(copy).toBeInstanceOf(TinyModel);
    expect(values(copy)).toEqual(values(model));
    expect(copy.decoder).toBe(copy.tokens.weight);
    expect(copy.modules().every(({ training }) => !training)).toBe(true);
    expect(copy.parameters().some((parameter) => model.parameters().includes(parameter))).toBe(false);
  });

  test('changes independently of the original', () => {
    const model = new TinyModel();
    const before = values(model);
    copyModule(model).loadStateDict(new TinyModel().stateDict());
    expect(values(model)).toEqual(before);
  });

  test('shares what is neither module nor tensor, such as a generator', () => {
    const generator = new Generator(1);
    expect(copyModule(new Dropout(0.5, { generator })).generator).toBe(generator);
  });

  test('makes the half copy of manual mixed precision, batch norm in float32 (AMP.md E4)', () => {
    const model = new Sequential(new Conv2d(1, 2, 3), new BatchNorm2d(2), new Flatten(), new Linear(2, 1));
    const half = copyModule(model).to('float16', { except: (module) => module instanceof BatchNorm2d });
    expect(half.namedParameters().map(([name, { dtype }]) => [name, dtype])).toEqual([
      ['0.weight', 'float16'],
      ['0.bias', 'float16'],
      ['1.weight', 'float32'],
      ['1.bias', 'float32'],
      ['3.weight', 'float16'],
      ['3.bias', 'float16'],
    ]);
    expect(model.parameters().every(({ dtype }) => dtype === 'float32')).toBe(true);
    const out = half.forward(ones([2, 1, 3, 3], { dtype: 'float16' }));
    out.sum().backward();
    expect(out.dtype).toBe('float16');
    expect(half.parameters().map(({ grad }) => grad?.dtype)).toEqual(half.parameters().map(({ dtype }) => dtype));
  });
});

function values(module: AnyModule): unknown {
  return Object.entries(module.stateDict()).map(([name, value]) => [name, value.toArray()]);
}
