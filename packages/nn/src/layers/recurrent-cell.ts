import { linear, type Tensor, TensorError, zeros } from '@halfgrad/core';
import { uniform } from '../init.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { creation, drawing, type LayerOptions, requireCounts } from './options.ts';
import { type RecurrenceName, recurrences } from './recurrence.ts';

export interface CellOptions extends LayerOptions {
  readonly bias?: boolean;
}

/** What an LSTM carries from step to step. */
export interface LSTMState {
  readonly hidden: Tensor;
  readonly cell: Tensor;
}

/** What cells share: `weightIh` `[gates · hidden, input]`, `weightHh` `[gates · hidden, hidden]` and their biases. */
abstract class Cell<Inputs extends readonly unknown[], Output> extends Module<Inputs, Output> {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly weightIh: Parameter;
  readonly weightHh: Parameter;
  readonly biasIh: Parameter | undefined;
  readonly biasHh: Parameter | undefined;

  constructor(gates: number, inputSize: number, hiddenSize: number, { bias = true, ...options }: CellOptions) {
    super();
    requireCounts(this.constructor.name, { inputSize, hiddenSize });
    this.inputSize = inputSize;
    this.hiddenSize = hiddenSize;
    const create = (...shape: number[]): Parameter => createRecurrent(shape, hiddenSize, options);
    this.weightIh = create(gates * hiddenSize, inputSize);
    this.weightHh = create(gates * hiddenSize, hiddenSize);
    this.biasIh = bias ? create(gates * hiddenSize) : undefined;
    this.biasHh = bias ? create(gates * hiddenSize) : undefined;
  }

  /** The states after a step; those before are zeros where none are given. */
  protected step(name: RecurrenceName, x: Tensor, given: readonly Tensor[] | undefined): readonly Tensor[] {
    if (x.rank !== 2 || x.shape[1] !== this.inputSize) {
      throw new TensorError(
        'shape-mismatch',
        `${this.constructor.name}: x is [N,${this.inputSize}], got [${x.shape.join(',')}].`,
      );
    }
    const { dtype, device } = this.weightHh;
    const start = (): Tensor => zeros([x.shape[0] as number, this.hiddenSize], { dtype, device });
    const recurrence = recurrences[name];
    const states = given ?? Array.from({ length: recurrence.states }, start);
    const input = linear(x, this.weightIh, this.biasIh);
    return recurrence.step(input, linear(states[0] as Tensor, this.weightHh, this.biasHh), states);
  }
}

/** Weights and biases of recurrent networks, from U(−1/√hiddenSize, 1/√hiddenSize). */
export function createRecurrent(shape: readonly number[], hiddenSize: number, options: LayerOptions): Parameter {
  const parameter = new Parameter(zeros(shape, creation(options)));
  const bound = 1 / Math.sqrt(hiddenSize);
  uniform(parameter, -bound, bound, drawing(options));
  return parameter;
}

/** One step of an LSTM on `[N, inputSize]` (`torch.nn.LSTMCell`). */
export class LSTMCell extends Cell<[x: Tensor, state?: LSTMState], LSTMState> {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(recurrences.lstm.gates, inputSize, hiddenSize, options);
  }

  forward(x: Tensor, state?: LSTMState): LSTMState {
    const [hidden, cell] = this.step('lstm', x, state && [state.hidden, state.cell]) as [Tensor, Tensor];
    return { hidden, cell };
  }
}

/** One step of a gated recurrent unit on `[N, inputSize]` (`torch.nn.GRUCell`). */
export class GRUCell extends Cell<[x: Tensor, hidden?: Tensor], Tensor> {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(recurrences.gru.gates, inputSize, hiddenSize, options);
  }

  forward(x: Tensor, hidden?: Tensor): Tensor {
    return this.step('gru', x, hidden && [hidden])[0] as Tensor;
  }
}

export interface RNNCellOptions extends CellOptions {
  readonly nonlinearity?: 'tanh' | 'relu';
}

/** One step of a simple recurrent network on `[N, inputSize]` (`torch.nn.RNNCell`). */
export class RNNCell extends Cell<[x: Tensor, hidden?: Tensor], Tensor> {
  readonly nonlinearity: 'tanh' | 'relu';

  constructor(inputSize: number, hiddenSize: number, { nonlinearity = 'tanh', ...options }: RNNCellOptions = {}) {
    super(recurrences[nonlinearity].gates, inputSize, hiddenSize, options);
    this.nonlinearity = nonlinearity;
  }

  forward(x: Tensor, hidden?: Tensor): Tensor {
    return this.step(this.nonlinearity, x, hidden && [hidden])[0] as Tensor;
  }
}
