import { add, mul, relu, sigmoid, sub, type Tensor, tanh, unbind } from '@halfgrad/core';

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

/** The steps of PyTorch's recurrent networks, with its order of gates. */
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
      const next = add(mul(sigmoid(f), cell as Tensor), mul(sigmoid(i), tanh(g)));
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
      return [add(mul(sub(1, z), n), mul(z, hidden as Tensor))];
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
