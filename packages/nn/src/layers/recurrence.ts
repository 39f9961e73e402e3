import { add, cast, linear, mul, relu, sigmoid, sub, type Tensor, tanh, unbind } from '@halfgrad/core';

/** One step of a recurrent network. */
export interface Recurrence {
  /** How many blocks of `hiddenSize` rows its weights have. */
  readonly gates: number;
  /** The hidden state, and the cell of an LSTM. */
  readonly states: 1 | 2;
  /** The next states, hidden first, from `x W_ihᵀ + b_ih` and `h W_hhᵀ + b_hh`, each `[N, gates · hiddenSize]`. */
  step(x: Tensor, h: Tensor, states: readonly Tensor[]): readonly Tensor[];
}

export type RecurrenceName = 'lstm' | 'gru' | 'tanh' | 'relu';

/**
 * The steps of PyTorch's recurrent networks, with its order of gates.
 *
 * States take the dtype of the products, so that a cell gives the region's dtype under autocast (AMP.md A4).
 */
export const recurrences: { readonly [N in RecurrenceName]: Recurrence } = {
  /**
   * i, f, o = σ(…), g = tanh(…),  c = f · c + i · g,  h = o · tanh(c)
   *
   * @see Hochreiter & Schmidhuber (1997), with the forget gate of Gers, Schmidhuber & Cummins (2000).
   */
  lstm: {
    gates: 4,
    states: 2,
    step(x, h, [, cell]) {
      const [i, f, g, o] = gatesOf(add(x, h), 4) as [Tensor, Tensor, Tensor, Tensor];
      const next = add(mul(sigmoid(f), cast(cell as Tensor, x.dtype)), mul(sigmoid(i), tanh(g)));
      return [mul(sigmoid(o), tanh(next)), next];
    },
  },
  /**
   * r, z = σ(…),  n = tanh(x_n + r · h_n),  h = (1 − z) · n + z · h
   *
   * @see Cho et al. (2014), with the reset gate behind the product, as cuDNN has it. https://arxiv.org/abs/1406.1078
   */
  gru: {
    gates: 3,
    states: 1,
    step(x, h, [hidden]) {
      const [xr, xz, xn] = gatesOf(x, 3) as [Tensor, Tensor, Tensor];
      const [hr, hz, hn] = gatesOf(h, 3) as [Tensor, Tensor, Tensor];
      const z = sigmoid(add(xz, hz));
      const n = tanh(add(xn, mul(sigmoid(add(xr, hr)), hn)));
      return [add(mul(sub(1, z), n), mul(z, cast(hidden as Tensor, x.dtype)))];
    },
  },
  /** h = tanh(x + h), the simple network of Elman (1990). */
  tanh: { gates: 1, states: 1, step: (x, h) => [tanh(add(x, h))] },
  relu: { gates: 1, states: 1, step: (x, h) => [relu(add(x, h))] },
};

/** The blocks of `[N, count · H]`, each `[N, H]`. */
function gatesOf(x: Tensor, count: number): Tensor[] {
  return unbind(x.reshape([x.shape[0] as number, count, -1]), 1);
}

/** The weights of a cell: `weightIh` `[gates · hidden, input]`, `weightHh` `[gates · hidden, hidden]` and their biases. */
export interface RecurrentWeights {
  readonly weightIh: Tensor;
  readonly weightHh: Tensor;
  readonly biasIh?: Tensor | undefined;
  readonly biasHh?: Tensor | undefined;
}

/** What an LSTM carries from step to step. */
export interface LSTMState {
  readonly hidden: Tensor;
  readonly cell: Tensor;
}

/** One step of an LSTM on `[N, input]`, with gates in the order i, f, g, o (`torch.lstm_cell`). */
export function lstmCell(x: Tensor, { hidden, cell }: LSTMState, weights: RecurrentWeights): LSTMState {
  const [next, kept] = step('lstm', x, [hidden, cell], weights) as [Tensor, Tensor];
  return { hidden: next, cell: kept };
}

/** One step of a gated recurrent unit on `[N, input]`, with gates in the order r, z, n (`torch.gru_cell`). */
export function gruCell(x: Tensor, hidden: Tensor, weights: RecurrentWeights): Tensor {
  return step('gru', x, [hidden], weights)[0] as Tensor;
}

/** One step of a simple recurrent network on `[N, input]` (`torch.rnn_tanh_cell`, `torch.rnn_relu_cell`). */
export function rnnCell(
  x: Tensor,
  hidden: Tensor,
  weights: RecurrentWeights,
  { nonlinearity = 'tanh' }: { readonly nonlinearity?: 'tanh' | 'relu' } = {},
): Tensor {
  return step(nonlinearity, x, [hidden], weights)[0] as Tensor;
}

function step(
  name: RecurrenceName,
  x: Tensor,
  states: readonly Tensor[],
  { weightIh, weightHh, biasIh, biasHh }: RecurrentWeights,
): readonly Tensor[] {
  return recurrences[name].step(linear(x, weightIh, biasIh), linear(states[0] as Tensor, weightHh, biasHh), states);
}
