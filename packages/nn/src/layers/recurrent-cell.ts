import { type Tensor, TensorError, zeros } from '@halfgrad/core';
import { uniform } from '../init.ts';
import { Module } from '../module.ts';
import { Parameter } from '../parameter.ts';
import { creation, drawing, type LayerOptions, requireCounts } from './options.ts';
import { gruCell, type LSTMState, lstmCell, recurrences, rnnCell } from './recurrence.ts';

export interface CellOptions extends LayerOptions {
  readonly bias?: boolean;
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

  protected requireInput(x: Tensor): void {
    if (x.rank === 2 && x.shape[1] === this.inputSize) return;
    throw new TensorError(
      'shape-mismatch',
      `${this.constructor.name}: x is [N,${this.inputSize}], got [${x.shape.join(',')}].`,
    );
  }

  /** What comes before the first step of the batch `x`. */
  protected zeroState(x: Tensor): Tensor {
    const { dtype, device } = this.weightHh;
    return zeros([x.shape[0] as number, this.hiddenSize], { dtype, device });
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
    this.requireInput(x);
    return lstmCell(x, state ?? { hidden: this.zeroState(x), cell: this.zeroState(x) }, this);
  }
}

/** One step of a gated recurrent unit on `[N, inputSize]` (`torch.nn.GRUCell`). */
export class GRUCell extends Cell<[x: Tensor, hidden?: Tensor], Tensor> {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(recurrences.gru.gates, inputSize, hiddenSize, options);
  }

  forward(x: Tensor, hidden?: Tensor): Tensor {
    this.requireInput(x);
    return gruCell(x, hidden ?? this.zeroState(x), this);
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
    this.requireInput(x);
    return rnnCell(x, hidden ?? this.zeroState(x), this, { nonlinearity: this.nonlinearity });
  }
}
