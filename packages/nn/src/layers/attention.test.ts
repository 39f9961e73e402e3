import { cpu } from '@halfgrad/backend-cpu';
import {
  concat,
  Generator,
  grad,
  logicalNot,
  randn,
  setDefaultDevice,
  type Tensor,
  tensor,
  zeros,
} from '@halfgrad/core';
import { decodeNumber, describeShared, type GoldenTensor, readJson } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { copyModule, LayerNorm, MultiheadAttention, TransformerEncoder, TransformerEncoderLayer } from '../index.ts';

setDefaultDevice(cpu);

const generator = new Generator(1);
const float64 = { dtype: 'float64', generator } as const;
const normal = (...shape: number[]): Tensor => randn(shape, float64);

describe('MultiheadAttention', () => {
  const attention = new MultiheadAttention(6, 2, { batchFirst: true, ...float64 });
  const [x, y] = [normal(2, 3, 6), normal(2, 4, 6)];

  test('takes sequences first, unless told that batches are', () => {
    const sequenceFirst = new MultiheadAttention(6, 2, float64);
    sequenceFirst.loadStateDict(attention.stateDict());
    const out = sequenceFirst.forward(x.transpose(0, 1), y.transpose(0, 1)).output;
    expectClose(out.transpose(0, 1), attention.forward(x, y).output);
  });

  test('of a sequence with itself is one product instead of three', () => {
    expectClose(attention.forward(x).output, attention.forward(x, x.mul(1), x.mul(1)).output);
  });

  test('ignores keys that are padding', () => {
    const padded = concat([y, normal(2, 2, 6)], 1);
    const keyPaddingMask = tensor([
      [false, false, false, false, true, true],
      [false, false, false, false, true, true],
    ]);
    expectClose(attention.forward(x, padded, padded, { keyPaddingMask }).output, attention.forward(x, y).output);
  });

  test('hides the future by a mask, by numbers, or by being causal', () => {
    const future = tensor([
      [false, true, true],
      [false, false, true],
      [false, false, false],
    ]);
    const causal = attention.forward(x, x, x, { isCausal: true }).output;
    expectClose(attention.forward(x, x, x, { attnMask: future }).output, causal);
    const numbers = tensor((future.toArray() as boolean[][]).map((row) => row.map((hidden) => (hidden ? -1e30 : 0))));
    expectClose(attention.forward(x, x, x, { attnMask: numbers }).output, causal);
    // One mask per batch entry and head.
    const perHead = future.reshape([1, 3, 3]).expand([4, 3, 3]);
    expectClose(attention.forward(x, x, x, { attnMask: perHead }).output, causal);
  });

  test('combines bool masks with masks of numbers', () => {
    const keyPaddingMask = tensor([
      [false, true, false],
      [false, false, true],
    ]);
    const none = zeros([3, 3], { dtype: 'bool' });
    const alone = attention.forward(x, x, x, { keyPaddingMask }).output;
    expectClose(attention.forward(x, x, x, { keyPaddingMask, attnMask: none }).output, alone);
    expectClose(attention.forward(x, x, x, { keyPaddingMask, attnMask: none.to('float64') }).output, alone);
    const nothing = attention.forward(x, x, x, { keyPaddingMask, attnMask: logicalNot(none) }).output;
    expect([...nothing.dataSync()].every(Number.isFinite)).toBe(true);
  });

  test('returns weights on demand, of every head or averaged', () => {
    expect(attention.forward(x).weights).toBeUndefined();
    const perHead = attention.forward(x, y, y, { needWeights: true, averageAttnWeights: false }).weights as Tensor;
    expect(perHead.shape).toEqual([2, 2, 3, 4]);
    expectClose(perHead.sum(-1), perHead.sum(-1).mul(0).add(1));
    expectClose(attention.forward(x, y, y, { needWeights: true }).weights as Tensor, perHead.mean(1));
  });

  test('drops weights while training only', () => {
    const dropping = new MultiheadAttention(6, 2, { dropout: 0.5, batchFirst: true, ...float64 });
    dropping.loadStateDict(attention.stateDict());
    expect(dropping.forward(x).output.toArray()).not.toEqual(attention.forward(x).output.toArray());
    expect(dropping.eval().forward(x).output.toArray()).toEqual(attention.forward(x).output.toArray());
  });

  test('starts with biases of zero and Xavier weights', () => {
    expect([...(attention.inProjBias?.dataSync() ?? [1])].every((bias) => bias === 0)).toBe(true);
    // √(6 / (inputs + outputs)) of the three weights as one.
    const bound = Math.sqrt(6 / (6 + 18));
    const largest = Math.max(...Array.from(attention.inProjWeight.dataSync(), Math.abs));
    expect(largest).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0.8 * bound);
  });

  test('says what it takes', () => {
    expect(() => new MultiheadAttention(6, 4)).toThrow('MultiheadAttention: 4 heads do not divide 6 features.');
    expect(() => attention.forward(normal(3, 6))).toThrow('MultiheadAttention: inputs are [N,L,6], got [3,6].');
    expect(() => new MultiheadAttention(6, 2).forward(normal(3, 1, 5))).toThrow('inputs are [L,N,6], got [3,1,5].');
  });
});

interface Recorded {
  readonly name: string;
  readonly inputs: Readonly<Record<'q' | 'k' | 'v', GoldenTensor>>;
  readonly outputs: readonly [GoldenTensor];
  readonly cotangents: readonly [GoldenTensor];
  readonly grads: Readonly<Record<'q' | 'k' | 'v', GoldenTensor>>;
}

describeShared('attention of heads follows PyTorch’s recorded attention', ['suites/torch/gradients.json'], () => {
  const { cases } = readJson<{ cases: readonly Recorded[] }>('suites/torch/gradients.json');
  const { inputs, outputs, cotangents, grads } = cases.find(({ name }) => name === 'sdpa_causal') as Recorded;

  test('with projections that change nothing, in values and gradients', () => {
    const attention = new MultiheadAttention(8, 2, { batchFirst: true, dtype: 'float64' });
    const identity = tensor(
      Array.from({ length: 8 }, (_, i) => Array.from({ length: 8 }, (_, j) => Number(i === j))),
      { dtype: 'float64' },
    );
    attention.loadStateDict({
      in_proj_weight: concat([identity, identity, identity]),
      in_proj_bias: zeros([24]),
      'out_proj.weight': identity,
      'out_proj.bias': zeros([8]),
    });
    const [q, k, v] = (['q', 'k', 'v'] as const).map((key) => joined(inputs[key]).requireGrad()) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const { output } = attention.forward(q, k, v, { isCausal: true });
    expectClose(output, joined(outputs[0]));
    const gradients = grad(output, [q, k, v], { gradOutputs: [joined(cotangents[0])] });
    (['q', 'k', 'v'] as const).forEach((key, i) => {
      expectClose(gradients[i] as Tensor, joined(grads[key]));
    });
  });

  /** `[N, heads, L, E]` as `[N, L, heads · E]`. */
  function joined({ shape, data }: GoldenTensor): Tensor {
    const heads = tensor(Float64Array.from(data, decodeNumber), { shape, dtype: 'float64' });
    return heads.permute([0, 2, 1, 3]).flatten(2);
  }
});

describe('TransformerEncoderLayer', () => {
  const options = { dimFeedforward: 8, dropout: 0, batchFirst: true, ...float64 } as const;
  const x = normal(2, 3, 4);

  test("has PyTorch's keys", () => {
    const layer = new TransformerEncoderLayer(4, 2);
    expect(Object.keys(layer.stateDict())).toEqual([
      'self_attn.in_proj_weight',
      'self_attn.in_proj_bias',
      'self_attn.out_proj.weight',
      'self_attn.out_proj.bias',
      'linear1.weight',
      'linear1.bias',
      'linear2.weight',
      'linear2.bias',
      'norm1.weight',
      'norm1.bias',
      'norm2.weight',
      'norm2.bias',
    ]);
    const bare = new TransformerEncoderLayer(4, 2, { bias: false });
    expect(Object.keys(bare.stateDict()).filter((key) => key.endsWith('bias'))).toEqual([]);
  });

  test.each([
    [false, 'after'],
    [true, 'before'],
  ])('adds attention and feedforward to its input; with normFirst %s it normalises %s', (normFirst) => {
    const layer = new TransformerEncoderLayer(4, 2, { ...options, normFirst, activation: 'gelu' });
    const attend = (value: Tensor): Tensor => layer.selfAttn.forward(value).output;
    const feed = (value: Tensor): Tensor => layer.linear2.forward(layer.linear1.forward(value).gelu());
    const [norm1, norm2] = [layer.norm1, layer.norm2];
    const middle = normFirst ? x.add(attend(norm1.forward(x))) : norm1.forward(x.add(attend(x)));
    const expected = normFirst ? middle.add(feed(norm2.forward(middle))) : norm2.forward(middle.add(feed(middle)));
    expectClose(layer.forward(x), expected);
  });

  test('passes masks on', () => {
    const layer = new TransformerEncoderLayer(4, 2, options);
    const changed = concat([x.narrow(1, 0, 2), x.narrow(1, 2, 1).add(1)], 1);
    const visible = (value: Tensor): Tensor => layer.forward(value, { isCausal: true }).narrow(1, 0, 2);
    expectClose(visible(changed), visible(x));
    expect(layer.forward(changed).toArray()).not.toEqual(layer.forward(x).toArray());
  });

  test('drops in four places while training', () => {
    const layer = new TransformerEncoderLayer(4, 2, { ...options, dropout: 0.5 });
    expect(layer.modules().filter((module) => module.constructor.name === 'Dropout').length).toBe(4);
    expect(layer.forward(x).toArray()).not.toEqual(layer.eval().forward(x).toArray());
  });
});

describe('TransformerEncoder', () => {
  test('stacks copies of a layer, and a norm behind them', () => {
    const layer = new TransformerEncoderLayer(4, 2, { dimFeedforward: 8, dropout: 0 });
    const encoder = new TransformerEncoder(layer, 2, { norm: new LayerNorm(4) });
    const keys = Object.keys(encoder.stateDict());
    expect(keys.length).toBe(2 * 12 + 2);
    expect(keys.slice(-3)).toEqual(['layers.1.norm2.bias', 'norm.weight', 'norm.bias']);
    const x = randn([3, 1, 4]);
    const expected = encoder.norm?.forward(layer.forward(layer.forward(x))) as Tensor;
    expect(encoder.forward(x).toArray()).toEqual(expected.toArray());
    expect(copyModule(encoder).forward(x).toArray()).toEqual(expected.toArray());
  });
});

/** Some hundred roundings of float64 numbers below 8. */
function expectClose(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const values = expected.dataSync();
  Array.from(actual.dataSync()).forEach((value, i) => {
    expect(Math.abs(value - (values[i] as number))).toBeLessThanOrEqual(1e-12);
  });
}
