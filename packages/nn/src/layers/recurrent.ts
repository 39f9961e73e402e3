import { concat, linear, stack, type Tensor, TensorError, transpose, unbind, zeros } from '@halfgrad/core';
import { Module } from '../module.ts';
import type { Parameter } from '../parameter.ts';
import { Dropout } from './dropout.ts';
import { drawing, type LayerOptions, requireCounts } from './options.ts';
import { type LSTMState, type RecurrenceName, recurrences } from './recurrence.ts';
import { createRecurrent } from './recurrent-cell.ts';

export interface RecurrentOptions extends LayerOptions {
  readonly numLayers?: number;
  readonly bias?: boolean;
  /** Whether sequences are `[N, L, features]` instead of `[L, N, features]`; states are `[…, N, hiddenSize]` either way. */
  readonly batchFirst?: boolean;
  /** The probability of a zero between layers. */
  readonly dropout?: number;
  /** Whether each layer also reads the sequence backwards; outputs then have twice the features. */
  readonly bidirectional?: boolean;
}

export interface RecurrentResult {
  /** The hidden states of the last layer at every position. */
  readonly output: Tensor;
  /** The last hidden state of every layer and direction, `[numLayers · directions, N, hiddenSize]`. */
  readonly hidden: Tensor;
}

export interface LSTMResult extends RecurrentResult {
  readonly cell: Tensor;
}

/** The ends of the names of a layer's weights: `L0`, and `L0Reverse` for the direction backwards. */
type Suffix = `L${string}`;

/** What reading a sequence gives: the hidden states at every position, and the last of each kind of state. */
interface Pass {
  readonly output: Tensor;
  readonly states: readonly Tensor[];
}

/** Layers of a recurrence, with PyTorch's parameters: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, … */
abstract class Recurrent<State, Result> extends Module<[x: Tensor, state?: State], Result> {
  readonly [weight: `weight${'Ih' | 'Hh'}${Suffix}`]: Parameter;
  readonly [bias: `bias${'Ih' | 'Hh'}${Suffix}`]: Parameter | undefined;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly batchFirst: boolean;
  readonly bidirectional: boolean;
  readonly dropout: Dropout;

  constructor(
    gates: number,
    inputSize: number,
    hiddenSize: number,
    {
      numLayers = 1,
      bias = true,
      batchFirst = false,
      dropout = 0,
      bidirectional = false,
      ...options
    }: RecurrentOptions,
  ) {
    super();
    requireCounts(this.constructor.name, { inputSize, hiddenSize, numLayers });
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    this.numLayers = numLayers;
    this.batchFirst = batchFirst;
    this.bidirectional = bidirectional;
    this.dropout = new Dropout(dropout, drawing(options));
    for (let layer = 0; layer < numLayers; layer++) {
      const width = layer === 0 ? inputSize : hiddenSize * this.suffixes(layer).length;
      const create = (...shape: number[]): Parameter => createRecurrent(shape, hiddenSize, options);
      for (const suffix of this.suffixes(layer)) {
        Object.assign(this, {
          [`weightIh${suffix}`]: create(gates * hiddenSize, width),
          [`weightHh${suffix}`]: create(gates * hiddenSize, hiddenSize),
          ...(bias && {
            [`biasIh${suffix}`]: create(gates * hiddenSize),
            [`biasHh${suffix}`]: create(gates * hiddenSize),
          }),
        });
      }
    }
  }

  /** The output sequence and the final states, from the initial ones or zeros. */
  protected run(name: RecurrenceName, x: Tensor, given: readonly Tensor[] | undefined): Pass {
    this.requireSequence(x);
    let sequence = this.batchFirst ? transpose(x, 0, 1) : x;
    const initial = (given ?? this.zeroStates(name, sequence)).map((state) => unbind(state, 0));
    const finals: (readonly Tensor[])[] = [];
    for (let layer = 0; layer < this.numLayers; layer++) {
      const outputs = this.suffixes(layer).map((suffix, direction) => {
        const start = initial.map((states) => states[finals.length] as Tensor);
        const { output, states } = this.pass(name, sequence, suffix, start, direction === 1);
        finals.push(states);
        return output;
      });
      sequence = outputs.length === 1 ? (outputs[0] as Tensor) : concat(outputs, -1);
      if (layer < this.numLayers - 1) sequence = this.dropout.forward(sequence);
    }
    return {
      output: this.batchFirst ? transpose(sequence, 0, 1) : sequence,
      states: initial.map((_, i) => stack(finals.map((states) => states[i] as Tensor))),
    };
  }

  /** One direction of one layer. The inputs of all positions are multiplied at once. */
  private pass(
    name: RecurrenceName,
    sequence: Tensor,
    suffix: Suffix,
    initial: readonly Tensor[],
    backwards: boolean,
  ): Pass {
    const inputs = unbind(linear(sequence, this[`weightIh${suffix}`] as Parameter, this[`biasIh${suffix}`]), 0);
    const [weight, bias] = [this[`weightHh${suffix}`] as Parameter, this[`biasHh${suffix}`]];
    let states = initial;
    const outputs = (backwards ? inputs.reverse() : inputs).map((input) => {
      states = recurrences[name].step(input, linear(states[0] as Tensor, weight, bias), states);
      return states[0] as Tensor;
    });
    return { output: stack(backwards ? outputs.reverse() : outputs), states };
  }

  private suffixes(layer: number): Suffix[] {
    return this.bidirectional ? [`L${layer}`, `L${layer}Reverse`] : [`L${layer}`];
  }

  private zeroStates(name: RecurrenceName, sequence: Tensor): Tensor[] {
    const { dtype, device } = this.weightHhL0 as Parameter;
    const shape = [this.numLayers * this.suffixes(0).length, sequence.shape[1] as number, this.hiddenSize];
    return Array.from({ length: recurrences[name].states }, () => zeros(shape, { dtype, device }));
  }

  private requireSequence(x: Tensor): void {
    const length = x.shape[this.batchFirst ? 1 : 0];
    if (x.rank === 3 && x.shape[2] === this.inputSize && length !== 0) return;
    const layout = this.batchFirst ? 'N,L' : 'L,N';
    throw new TensorError(
      'shape-mismatch',
      `${this.constructor.name}: x is [${layout},${this.inputSize}] with L ≥ 1, got [${x.shape.join(',')}].`,
    );
  }
}

/** Long short-term memory over sequences (`torch.nn.LSTM`). */
export class LSTM extends Recurrent<LSTMState, LSTMResult> {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(recurrences.lstm.gates, inputSize, hiddenSize, options);
  }

  forward(x: Tensor, state?: LSTMState): LSTMResult {
    const { output, states } = this.run('lstm', x, state && [state.hidden, state.cell]);
    return { output, hidden: states[0] as Tensor, cell: states[1] as Tensor };
  }
}

/** Gated recurrent units over sequences (`torch.nn.GRU`). */
export class GRU extends Recurrent<Tensor, RecurrentResult> {
  constructor(inputSize: number, hiddenSize: number, options: RecurrentOptions = {}) {
    super(recurrences.gru.gates, inputSize, hiddenSize, options);
  }

  forward(x: Tensor, hidden?: Tensor): RecurrentResult {
    const { output, states } = this.run('gru', x, hidden && [hidden]);
    return { output, hidden: states[0] as Tensor };
  }
}

export interface RNNOptions extends RecurrentOptions {
  readonly nonlinearity?: 'tanh' | 'relu';
}

/** A simple recurrent network over sequences (`torch.nn.RNN`). */
export class RNN extends Recurrent<Tensor, RecurrentResult> {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(inputSize: number, hiddenSize: number, { nonlinearity = 'tanh', ...options }: RNNOptions = {}) {
    super(recurrences[nonlinearity].gates, inputSize, hiddenSize, options);
    this.nonlinearity = nonlinearity;
  }

  forward(x: Tensor, hidden?: Tensor): RecurrentResult {
    const { output, states } = this.run(this.nonlinearity, x, hidden && [hidden]);
    return { output, hidden: states[0] as Tensor };
  }
}
