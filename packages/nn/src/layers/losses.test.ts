import { cpu } from '@halfgrad/backend-cpu';
import {
  binaryCrossEntropyWithLogits,
  cosineEmbeddingLoss,
  crossEntropy,
  Generator,
  gaussianNllLoss,
  hingeEmbeddingLoss,
  huberLoss,
  klDiv,
  l1Loss,
  marginRankingLoss,
  mseLoss,
  multiMarginLoss,
  nllLoss,
  poissonNllLoss,
  randn,
  setDefaultDevice,
  smoothL1Loss,
  softMarginLoss,
  type Tensor,
  tensor,
  tripletMarginLoss,
} from '@halfgrad/core';
import { expect, test } from 'vitest';
import {
  BCELoss,
  BCEWithLogitsLoss,
  CosineEmbeddingLoss,
  CrossEntropyLoss,
  GaussianNLLLoss,
  HingeEmbeddingLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MarginRankingLoss,
  MSELoss,
  MultiMarginLoss,
  NLLLoss,
  PoissonNLLLoss,
  SmoothL1Loss,
  SoftMarginLoss,
  TripletMarginLoss,
} from '../index.ts';

setDefaultDevice(cpu);

const generator = new Generator(1);
const [x, y, z] = [0, 1, 2].map(() => randn([3, 4], { generator })) as [Tensor, Tensor, Tensor];
const classes = tensor([0, 3, 1], { dtype: 'int32' });
const labels = tensor([1, -1, 1]);
const weight = tensor([1, 2, 0.5, 1]);
const sum = { reduction: 'sum' } as const;

test.each<[string, Tensor, Tensor]>([
  ['L1Loss', new L1Loss(sum).forward(x, y), l1Loss(x, y, sum)],
  ['MSELoss', new MSELoss().forward(x, y), mseLoss(x, y)],
  ['SmoothL1Loss', new SmoothL1Loss({ beta: 0.5 }).forward(x, y), smoothL1Loss(x, y, { beta: 0.5 })],
  ['HuberLoss', new HuberLoss({ delta: 0.5 }).forward(x, y), huberLoss(x, y, { delta: 0.5 })],
  [
    'CrossEntropyLoss',
    new CrossEntropyLoss({ weight, labelSmoothing: 0.1, ...sum }).forward(x, classes),
    crossEntropy(x, classes, { weight, labelSmoothing: 0.1, ...sum }),
  ],
  [
    'NLLLoss',
    new NLLLoss({ ignoreIndex: 3 }).forward(x.logSoftmax(1), classes),
    nllLoss(x.logSoftmax(1), classes, { ignoreIndex: 3 }),
  ],
  ['BCELoss', new BCELoss().forward(x.sigmoid(), y.sigmoid()), new BCEWithLogitsLoss().forward(x, y.sigmoid())],
  [
    'BCEWithLogitsLoss',
    new BCEWithLogitsLoss({ posWeight: weight }).forward(x, y.sigmoid()),
    binaryCrossEntropyWithLogits(x, y.sigmoid(), { posWeight: weight }),
  ],
  [
    'KLDivLoss',
    new KLDivLoss({ reduction: 'batchmean' }).forward(x.logSoftmax(1), y.softmax(1)),
    klDiv(x.logSoftmax(1), y.softmax(1), { reduction: 'batchmean' }),
  ],
  ['PoissonNLLLoss', new PoissonNLLLoss().forward(x, y.abs()), poissonNllLoss(x, y.abs())],
  ['GaussianNLLLoss', new GaussianNLLLoss().forward(x, y, z.abs()), gaussianNllLoss(x, y, z.abs())],
  ['SoftMarginLoss', new SoftMarginLoss().forward(x, y.sign()), softMarginLoss(x, y.sign())],
  ['HingeEmbeddingLoss', new HingeEmbeddingLoss().forward(x, y.sign()), hingeEmbeddingLoss(x, y.sign())],
  [
    'MarginRankingLoss',
    new MarginRankingLoss({ margin: 1 }).forward(x, y, z.sign()),
    marginRankingLoss(x, y, z.sign(), { margin: 1 }),
  ],
  ['CosineEmbeddingLoss', new CosineEmbeddingLoss().forward(x, y, labels), cosineEmbeddingLoss(x, y, labels)],
  ['TripletMarginLoss', new TripletMarginLoss({ p: 1 }).forward(x, y, z), tripletMarginLoss(x, y, z, { p: 1 })],
  ['MultiMarginLoss', new MultiMarginLoss({ weight }).forward(x, classes), multiMarginLoss(x, classes, { weight })],
])('%s computes what its function does', (_, actual, expected) => {
  expect(Math.abs(actual.item() - expected.item())).toBeLessThanOrEqual(1e-6 * Math.abs(expected.item()));
});

test('weights of losses are part of the state and move with the module', () => {
  const loss = new BCEWithLogitsLoss({ weight, posWeight: weight }).to('float64');
  expect(Object.keys(loss.stateDict())).toEqual(['weight', 'pos_weight']);
  expect(loss.weight?.dtype).toBe('float64');
  expect(loss.parameters()).toEqual([]);
});
