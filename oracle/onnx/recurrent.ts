import {
  add,
  greater,
  linear,
  mul,
  select,
  sigmoid,
  split,
  stack,
  sub,
  type Tensor,
  tanh,
  tensor,
  transpose,
  unsqueeze,
  where,
  zeros,
} from '@halfgrad/core';
import { Missing } from '../suite.ts';
import type { OnnxCall, OnnxOp } from './graph.ts';

/** The parameters of one direction. */
interface Weights {
  readonly input: Tensor;
  readonly recurrent: Tensor;
  readonly inputBias: Tensor;
  readonly recurrentBias: Tensor;
  readonly peepholes: readonly Tensor[] | undefined;
}

interface State {
  readonly hidden: Tensor;
  readonly cell: Tensor;
}

type Step = (x: Tensor, state: State, weights: Weights) => State;

/** Runs a step over time, `[time, batch, features]`; states of sequences that have ended stay. */
const recurrence =
  (gates: number, step: Step): OnnxOp =>
  (call) => {
    if (call.text('direction', 'forward') !== 'forward') throw new Missing('ONNX recurrence backwards');
    const isBatchFirst = call.int('layout', 0) === 1;
    const x = isBatchFirst ? transpose(call.input(0), 0, 1) : call.input(0);
    const [time, batch] = x.shape as [number, number, number];
    const hiddenSize = call.int('hidden_size', 1);
    const weights = weightsOf(call, gates * hiddenSize);
    const lengths = call.numbers(4);
    const initial = (at: number): Tensor => {
      const given = call.optional(at);
      return given ? select(given, isBatchFirst ? 1 : 0, 0) : zeros([batch, hiddenSize], { device: call.device });
    };
    let state: State = { hidden: initial(5), cell: initial(6) };
    const outputs: Tensor[] = [];
    for (let t = 0; t < time; t++) {
      const next = step(select(x, 0, t), state, weights);
      state = lengths ? heldBack(state, next, lengths, t) : next;
      outputs.push(state.hidden);
    }
    const all = stack(outputs);
    return [
      isBatchFirst ? unsqueeze(transpose(all, 0, 1), 2) : unsqueeze(all, 1),
      unsqueeze(state.hidden, isBatchFirst ? 1 : 0),
      unsqueeze(state.cell, isBatchFirst ? 1 : 0),
    ];
  };

function weightsOf(call: OnnxCall, rows: number): Weights {
  const bias = call.optional(3);
  const none = zeros([rows], { device: call.device });
  const [inputBias, recurrentBias] = bias ? split(select(bias, 0, 0), rows) : [none, none];
  const peepholes = call.optional(7);
  return {
    input: select(call.input(1), 0, 0),
    recurrent: select(call.input(2), 0, 0),
    inputBias: inputBias as Tensor,
    recurrentBias: recurrentBias as Tensor,
    peepholes: peepholes && split(select(peepholes, 0, 0), call.int('hidden_size', 1)),
  };
}

function heldBack(before: State, after: State, lengths: readonly number[], t: number): State {
  const runs = unsqueeze(greater(tensor([...lengths], { device: before.hidden.device }), t), 1);
  return { hidden: where(runs, after.hidden, before.hidden), cell: where(runs, after.cell, before.cell) };
}

/** The gates of a step before their functions, from the input and from the state. */
function gatesOf(x: Tensor, hidden: Tensor, w: Weights): { input: Tensor; recurrent: Tensor } {
  return { input: linear(x, w.input, w.inputBias), recurrent: linear(hidden, w.recurrent, w.recurrentBias) };
}

const rnnStep: Step = (x, state, w) => {
  const { input, recurrent } = gatesOf(x, state.hidden, w);
  return { ...state, hidden: tanh(add(input, recurrent)) };
};

/** Gates in ONNX's order i, o, f, c; peepholes let them see the cell. */
const lstmStep: Step = (x, { hidden, cell }, w) => {
  const { input, recurrent } = gatesOf(x, hidden, w);
  const [i, o, f, c] = split(add(input, recurrent), hidden.shape[1] as number, 1) as [Tensor, Tensor, Tensor, Tensor];
  const [seenByInput, seenByOutput, seenByForget] = w.peepholes ?? [];
  const peep = (gate: Tensor, weight: Tensor | undefined, seen: Tensor): Tensor =>
    sigmoid(weight ? add(gate, mul(weight, seen)) : gate);
  const next = add(mul(peep(f, seenByForget, cell), cell), mul(peep(i, seenByInput, cell), tanh(c)));
  return { hidden: mul(peep(o, seenByOutput, next), tanh(next)), cell: next };
};

/** Gates in ONNX's order z, r, h; by default the reset comes before the recurrent product. */
const gruStep =
  (resetsAfter: boolean): Step =>
  (x, state, w) => {
    const { hidden } = state;
    const size = hidden.shape[1] as number;
    const { input, recurrent } = gatesOf(x, hidden, w);
    const [xz, xr, xh] = split(input, size, 1) as [Tensor, Tensor, Tensor];
    const [hz, hr, hh] = split(recurrent, size, 1) as [Tensor, Tensor, Tensor];
    const update = sigmoid(add(xz, hz));
    const reset = sigmoid(add(xr, hr));
    const rows = [2 * size, size];
    const ofReset = (): Tensor =>
      linear(mul(reset, hidden), split(w.recurrent, rows)[1] as Tensor, split(w.recurrentBias, rows)[1]);
    const candidate = tanh(add(xh, resetsAfter ? mul(reset, hh) : ofReset()));
    return { ...state, hidden: add(mul(sub(1, update), candidate), mul(update, hidden)) };
  };

/** Recurrent layers, by name. */
export const recurrentOps: Readonly<Record<string, OnnxOp>> = {
  RNN: recurrence(1, rnnStep),
  LSTM: recurrence(4, lstmStep),
  GRU: (call) => recurrence(3, gruStep(call.int('linear_before_reset', 0) === 1))(call),
};
