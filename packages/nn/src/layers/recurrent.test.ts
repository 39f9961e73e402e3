import { cpu } from '@halfgrad/backend-cpu';
import { concat, Generator, randn, setDefaultDevice, stack, type Tensor } from '@halfgrad/core';
import { boolean, constantFrom, assert as holds, integer, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  copyModule,
  GRU,
  GRUCell,
  gruCell,
  LSTM,
  LSTMCell,
  lstmCell,
  type Parameter,
  RNN,
  RNNCell,
  rnnCell,
} from '../index.ts';

setDefaultDevice(cpu);

type Kind = 'lstm' | 'gru' | 'tanh' | 'relu';
type Layers = LSTM | GRU | RNN;

const settings = record({
  kind: constantFrom<Kind>('lstm', 'gru', 'tanh', 'relu'),
  numLayers: integer({ min: 1, max: 3 }),
  bidirectional: boolean(),
  batchFirst: boolean(),
  bias: boolean(),
  length: integer({ min: 1, max: 4 }),
});

const [inputSize, hiddenSize, batch] = [3, 2, 2];

function createLayers(kind: Kind, options: ConstructorParameters<typeof GRU>[2]): Layers {
  if (kind === 'lstm') return new LSTM(inputSize, hiddenSize, options);
  if (kind === 'gru') return new GRU(inputSize, hiddenSize, options);
  return new RNN(inputSize, hiddenSize, { nonlinearity: kind, ...options });
}

/** One direction of one layer, cell by cell: the hidden states in order of position, and the last states. */
function walk(kind: Kind, weights: readonly (Parameter | undefined)[], inputs: readonly Tensor[], start: Tensor[]) {
  const [weightIh, weightHh, biasIh, biasHh] = weights;
  const state = {
    weight_ih: weightIh as Tensor,
    weight_hh: weightHh as Tensor,
    ...(biasIh && biasHh && { bias_ih: biasIh, bias_hh: biasHh }),
  };
  const options = { bias: biasIh !== undefined, dtype: 'float64' } as const;
  const width = (weightIh as Tensor).shape[1] as number;
  const outputs: Tensor[] = [];
  let states = start;
  const lstm = new LSTMCell(width, hiddenSize, options);
  const other =
    kind === 'gru'
      ? new GRUCell(width, hiddenSize, options)
      : new RNNCell(width, hiddenSize, { nonlinearity: kind === 'relu' ? 'relu' : 'tanh', ...options });
  (kind === 'lstm' ? lstm : other).loadStateDict(state);
  for (const input of inputs) {
    if (kind === 'lstm') {
      const next = lstm.forward(input, { hidden: states[0] as Tensor, cell: states[1] as Tensor });
      states = [next.hidden, next.cell];
    } else states = [other.forward(input, states[0])];
    outputs.push(states[0] as Tensor);
  }
  return { outputs, states };
}

describe('recurrent layers', () => {
  test('are cells applied from position to position, layer to layer and in both directions', () => {
    holds(
      property(settings, integer(), ({ kind, length, batchFirst, bidirectional, numLayers, bias }, seed) => {
        const generator = new Generator(Math.abs(seed));
        const float64 = { dtype: 'float64', generator } as const;
        const layers = createLayers(kind, { numLayers, bidirectional, batchFirst, bias, ...float64 });
        const inputs = Array.from({ length }, () => randn([batch, inputSize], float64));
        const directions = bidirectional ? 2 : 1;
        const initial = Array.from({ length: kind === 'lstm' ? 2 : 1 }, () =>
          randn([numLayers * directions, batch, hiddenSize], float64),
        );

        const finals: (readonly Tensor[])[] = [];
        let sequence = inputs;
        for (let layer = 0; layer < numLayers; layer++) {
          const [forth, back] = ['', 'Reverse'].slice(0, directions).map((ending, d) => {
            const suffix = `L${layer}${ending}` as const;
            const weights = [
              layers[`weightIh${suffix}`],
              layers[`weightHh${suffix}`],
              layers[`biasIh${suffix}`],
              layers[`biasHh${suffix}`],
            ];
            const start = initial.map((states) => states.select(0, layer * directions + d));
            const { outputs, states } = walk(kind, weights, d === 0 ? sequence : sequence.toReversed(), start);
            finals.push(states);
            return d === 0 ? outputs : outputs.reverse();
          }) as [Tensor[], Tensor[]?];
          sequence = forth.map((output, t) => (back ? concat([output, back[t] as Tensor], 1) : output));
        }

        const x = stack(inputs, batchFirst ? 1 : 0);
        const result =
          layers instanceof LSTM
            ? layers.forward(x, { hidden: initial[0] as Tensor, cell: initial[1] as Tensor })
            : layers.forward(x, initial[0]);
        expectClose(result.output, stack(sequence, batchFirst ? 1 : 0));
        expectClose(result.hidden, stack(finals.map(([hidden]) => hidden as Tensor)));
        if ('cell' in result) expectClose(result.cell as Tensor, stack(finals.map(([, cell]) => cell as Tensor)));
      }),
      { numRuns: 30 },
    );
  });

  test.each<[string, Layers, string[]]>([
    ['LSTM', new LSTM(3, 2), ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0']],
    [
      'GRU with two layers and directions, without bias',
      new GRU(3, 2, { numLayers: 2, bidirectional: true, bias: false }),
      [
        'weight_ih_l0',
        'weight_hh_l0',
        'weight_ih_l0_reverse',
        'weight_hh_l0_reverse',
        'weight_ih_l1',
        'weight_hh_l1',
        'weight_ih_l1_reverse',
        'weight_hh_l1_reverse',
      ],
    ],
  ])("have PyTorch's keys: %s", (_, layers, keys) => {
    expect(Object.keys(layers.stateDict())).toEqual(keys);
  });

  test('have one block of rows per gate, and twice the inputs behind two directions', () => {
    const shapes = (layers: Layers): (readonly number[])[] => layers.parameters().map(({ shape }) => shape);
    expect(shapes(new LSTM(3, 2))).toEqual([[8, 3], [8, 2], [8], [8]]);
    expect(shapes(new GRU(3, 2, { bias: false, bidirectional: true, numLayers: 2 })).slice(4)).toEqual([
      [6, 4],
      [6, 2],
      [6, 4],
      [6, 2],
    ]);
    expect(shapes(new RNN(3, 2, { bias: false }))).toEqual([
      [2, 3],
      [2, 2],
    ]);
  });

  test('start from zeros, and with weights up to 1/√hiddenSize', () => {
    const lstm = new LSTM(3, 16);
    const x = randn([4, 2, 3]);
    const zeros = x.mul(0).select(0, 0).sum(1, { keepDim: true }).expand([1, 2, 16]);
    expect(lstm.forward(x).output.toArray()).toEqual(lstm.forward(x, { hidden: zeros, cell: zeros }).output.toArray());
    const largest = Math.max(...lstm.parameters().flatMap((parameter) => Array.from(parameter.dataSync(), Math.abs)));
    expect(largest).toBeLessThanOrEqual(0.25);
    expect(largest).toBeGreaterThan(0.24);
  });

  test('drop between layers while training only', () => {
    const generator = new Generator(1);
    const gru = new GRU(3, 4, { numLayers: 2, dropout: 0.5, generator });
    const x = randn([3, 2, 3], { generator });
    const run = (): unknown => gru.forward(x).output.toArray();
    expect(run()).not.toEqual(run());
    gru.eval();
    expect(run()).toEqual(run());
    expect(copyModule(gru).forward(x).output.toArray()).toEqual(run());
  });

  test('pass gradients to every weight, through dozens of positions', () => {
    const lstm = new LSTM(3, 4, { numLayers: 2, bidirectional: true });
    const x = randn([40, 2, 3]).requireGrad();
    lstm.forward(x).output.sum().backward();
    expect(lstm.parameters().every(({ grad }) => grad && grad.abs().sum().item() > 0)).toBe(true);
    expect(x.grad?.shape).toEqual([40, 2, 3]);
  });

  test('say what they take', () => {
    expect(() => new LSTM(3, 2).forward(randn([4, 3]))).toThrow('LSTM: x is [L,N,3] with L ≥ 1, got [4,3].');
    expect(() => new GRU(3, 2, { batchFirst: true }).forward(randn([1, 0, 3]))).toThrow(
      'GRU: x is [N,L,3] with L ≥ 1, got [1,0,3].',
    );
    expect(() => new LSTMCell(3, 2).forward(randn([3]))).toThrow('LSTMCell: x is [N,3], got [3].');
    expect(() => new RNN(3, 0)).toThrow('RNN: hiddenSize is 0. Use a positive integer.');
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

test('cells take their state along into the dtype of the products, as under autocast (AMP.md A4)', () => {
  const narrow = (cell: LSTMCell | GRUCell | RNNCell) => ({
    weightIh: cell.weightIh.to('bfloat16'),
    weightHh: cell.weightHh.to('bfloat16'),
  });
  const [x, hidden] = [
    randn([batch, inputSize], { dtype: 'bfloat16' }),
    randn([batch, hiddenSize], { dtype: 'bfloat16' }),
  ];
  const cell = randn([batch, hiddenSize]);
  const next = lstmCell(x, { hidden, cell }, narrow(new LSTMCell(inputSize, hiddenSize)));
  expect([next.hidden.dtype, next.cell.dtype]).toEqual(['bfloat16', 'bfloat16']);
  expect(gruCell(x, hidden, narrow(new GRUCell(inputSize, hiddenSize))).dtype).toBe('bfloat16');
  expect(rnnCell(x, hidden, narrow(new RNNCell(inputSize, hiddenSize))).dtype).toBe('bfloat16');
});
