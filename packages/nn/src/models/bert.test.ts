import { cpu } from '@halfgrad/backend-cpu';
import { concat, crossEntropy, Generator, setDefaultDevice, type Tensor, tensor } from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { BertForSequenceClassification, BertModel, copyModule, TransformerEncoderLayer } from '../index.ts';

setDefaultDevice(cpu);

const tiny = {
  vocabSize: 20,
  hiddenSize: 8,
  numHiddenLayers: 2,
  numAttentionHeads: 2,
  intermediateSize: 16,
  maxPositionEmbeddings: 10,
  generator: new Generator(1),
} as const;

const ids = tensor(
  [
    [2, 5, 7, 3],
    [2, 9, 3, 0],
  ],
  { dtype: 'int32' },
);
const attentionMask = tensor(
  [
    [1, 1, 1, 1],
    [1, 1, 1, 0],
  ],
  { dtype: 'int32' },
);

describe('BertModel', () => {
  const model = new BertModel({ ...tiny, dtype: 'float64' }).eval();

  test("has transformers' keys", () => {
    const affine = (name: string): string[] => [`${name}.weight`, `${name}.bias`];
    const layer = (name: string): string[] =>
      [
        'attention.self.query',
        'attention.self.key',
        'attention.self.value',
        'attention.output.dense',
        'attention.output.LayerNorm',
        'intermediate.dense',
        'output.dense',
        'output.LayerNorm',
      ].flatMap((part) => affine(`${name}.${part}`));
    expect(Object.keys(model.stateDict())).toEqual([
      'embeddings.word_embeddings.weight',
      'embeddings.position_embeddings.weight',
      'embeddings.token_type_embeddings.weight',
      ...affine('embeddings.LayerNorm'),
      ...layer('encoder.layer.0'),
      ...layer('encoder.layer.1'),
      ...affine('pooler.dense'),
    ]);
  });

  test('has the 4,385,920 parameters of BERT-tiny in its sizes', () => {
    const sizes = { vocabSize: 30_522, hiddenSize: 128, intermediateSize: 512, maxPositionEmbeddings: 512 };
    expect(countParameters(new BertModel({ ...sizes, numHiddenLayers: 2, numAttentionHeads: 2 }))).toBe(4_385_920);
  });

  test('is a stack of PyTorch’s encoder layers that normalise afterwards, on summed embeddings', () => {
    const { embeddings, encoder, pooler } = model;
    const rows = (ids.toArray() as number[][]).map((row) =>
      row.map((id, position) =>
        embeddings.wordEmbeddings.weight
          .select(0, id)
          .add(embeddings.positionEmbeddings.weight.select(0, position))
          .add(embeddings.tokenTypeEmbeddings.weight.select(0, 0)),
      ),
    );
    const summed = concat(
      rows.map((row) =>
        concat(
          row.map((x) => x.reshape([1, 1, 8])),
          1,
        ),
      ),
    );
    let expected = embeddings.LayerNorm.forward(summed);
    for (const { attention, intermediate, output } of encoder.layer) {
      const layer = new TransformerEncoderLayer(8, 2, {
        dimFeedforward: 16,
        activation: 'gelu',
        layerNormEps: 1e-12,
        batchFirst: true,
        dropout: 0,
        dtype: 'float64',
      });
      const { query, key, value } = attention.self;
      layer.loadStateDict({
        'self_attn.in_proj_weight': concat([query.weight, key.weight, value.weight]),
        'self_attn.in_proj_bias': concat([query, key, value].map(({ bias }) => bias as Tensor)),
        ...prefixed('self_attn.out_proj', attention.output.dense.stateDict()),
        ...prefixed('linear1', intermediate.dense.stateDict()),
        ...prefixed('linear2', output.dense.stateDict()),
        ...prefixed('norm1', attention.output.LayerNorm.stateDict()),
        ...prefixed('norm2', output.LayerNorm.stateDict()),
      });
      expected = layer.forward(expected, { keyPaddingMask: attentionMask.equal(0) });
    }
    const { lastHiddenState, poolerOutput } = model.forward(ids, { attentionMask });
    expectClose(lastHiddenState, expected);
    expectClose(poolerOutput, pooler.dense.forward(expected.select(1, 0)).tanh());
  });

  test('does not look at padding, but at the kind of each token', () => {
    const shorter = tensor([[2, 9, 3]], { dtype: 'int32' });
    const padded = model.forward(ids, { attentionMask }).lastHiddenState.narrow(0, 1, 1).narrow(1, 0, 3);
    expectClose(padded, model.forward(shorter).lastHiddenState);
    const tokenTypeIds = tensor([[0, 0, 1]], { dtype: 'int32' });
    expect(model.forward(shorter, { tokenTypeIds }).poolerOutput.toArray()).not.toEqual(
      model.forward(shorter).poolerOutput.toArray(),
    );
  });

  test('says which ids it takes', () => {
    expect(() => model.forward(tensor([1, 2], { dtype: 'int32' }))).toThrow(
      'BertModel: ids are [N,L] with L ≤ 10, got [2].',
    );
    expect(() => new BertModel({ ...tiny, numAttentionHeads: 3 })).toThrow('3 heads do not divide 8 features.');
  });
});

describe('BertForSequenceClassification', () => {
  test('classifies, and passes a gradient to every parameter', () => {
    const model = new BertForSequenceClassification({ ...tiny, numLabels: 3 });
    const logits = model.forward(ids, { attentionMask, tokenTypeIds: ids.mul(0) });
    expect(logits.shape).toEqual([2, 3]);
    crossEntropy(logits, tensor([0, 2], { dtype: 'int32' })).backward();
    expect(model.namedParameters().filter(([, { grad }]) => !grad)).toEqual([]);
    expect(Object.keys(model.stateDict()).slice(-3)).toEqual([
      'bert.pooler.dense.bias',
      'classifier.weight',
      'classifier.bias',
    ]);
  });

  test('starts with small normal weights, drops while training, and can be copied', () => {
    const model = new BertForSequenceClassification({ ...tiny, hiddenSize: 64, maxPositionEmbeddings: 500 });
    const values = Array.from(model.bert.embeddings.positionEmbeddings.weight.dataSync());
    const variance = values.reduce((total, value) => total + value ** 2, 0) / values.length;
    // Five standard errors of a normal variance.
    expect(Math.abs(variance / 0.02 ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / values.length));
    expect(model.bert.embeddings.wordEmbeddings.weight.select(0, 0).abs().sum().item()).toBe(0);
    expect(model.forward(ids).toArray()).not.toEqual(model.forward(ids).toArray());
    model.eval();
    expect(copyModule(model).forward(ids).toArray()).toEqual(model.forward(ids).toArray());
  });
});

function prefixed(prefix: string, state: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [`${prefix}.${key}`, value]));
}

function countParameters(model: { parameters(): readonly Tensor[] }): number {
  return model.parameters().reduce((total, { size }) => total + size, 0);
}

/** Some thousand roundings of float64 numbers below 8. */
function expectClose(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const values = expected.dataSync();
  Array.from(actual.dataSync()).forEach((value, i) => {
    expect(Math.abs(value - (values[i] as number))).toBeLessThanOrEqual(1e-11);
  });
}
