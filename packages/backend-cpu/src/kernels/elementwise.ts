import { type Attrs, type Inputs, philoxWords, type TensorSpec, uniformOf } from '@halfgrad/core';
import {
  allocateNumbers,
  countOf,
  createHostTensor,
  type HostTensor,
  read,
  readAs,
  readFloats,
  write,
} from '../host-tensor.ts';
import { broadcastStrides, planLoop } from './layout.ts';
import { mapElements, mapPairs, type PairRow } from './map.ts';

export const addRow: PairRow = (out, at, length, a, aAt, aStep, b, bAt, bStep) => {
  for (let i = 0; i < length; i++) out[at + i] = a[aAt + i * aStep]! + b[bAt + i * bStep]!;
};

export const subRow: PairRow = (out, at, length, a, aAt, aStep, b, bAt, bStep) => {
  for (let i = 0; i < length; i++) out[at + i] = a[aAt + i * aStep]! - b[bAt + i * bStep]!;
};

export const mulRow: PairRow = (out, at, length, a, aAt, aStep, b, bAt, bStep) => {
  for (let i = 0; i < length; i++) out[at + i] = a[aAt + i * aStep]! * b[bAt + i * bStep]!;
};

export const divRow: PairRow = (out, at, length, a, aAt, aStep, b, bAt, bStep) => {
  for (let i = 0; i < length; i++) out[at + i] = a[aAt + i * aStep]! / b[bAt + i * bStep]!;
};

/** IEEE 754's `pow`: JavaScript's, except that 1 to any power, and −1 to ±∞, are 1 and not NaN. */
export function pow(a: number, b: number): number {
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1;
  return a ** b;
}

/** `a` to the power `b` modulo 2^32, by squaring; a negative power is the truncated reciprocal, so mostly 0. */
export function integerPow(a: number, b: number): number {
  if (b < 0) return a === 1 ? 1 : a === -1 ? (b % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  let power = a;
  for (let rest = b; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = Math.imul(result, power);
    power = Math.imul(power, power);
  }
  return result;
}

/** The larger one; a NaN wins. */
export function maximum(a: number, b: number): number {
  return a > b || Number.isNaN(a) ? a : b;
}

/** The smaller one; a NaN wins. */
export function minimum(a: number, b: number): number {
  return a < b || Number.isNaN(a) ? a : b;
}

/** The rest of `a / b` with the sign of `b`. */
export function remainder(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** The nearest integer; of two equally near ones the even one. */
export function roundToEven(x: number): number {
  const rounded = Math.round(x);
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

export function where({ condition, a, b }: Inputs<'where', HostTensor>, _: unknown, out: TensorSpec): HostTensor {
  const mask = read(condition);
  const left = readAs(a, out.dtype);
  const right = readAs(b, out.dtype);
  const result = allocateNumbers(out.dtype, countOf(out));
  if (result.length === 0) return write(result, out);
  const { rows, length, starts, steps } = planLoop(
    out.shape,
    [condition, a, b].map(({ shape }) => broadcastStrides(shape, out.shape)),
  );
  const maskStep = steps[0]!;
  const leftStep = steps[1]!;
  const rightStep = steps[2]!;
  for (let r = 0, at = 0; r < rows; r++) {
    let maskAt = starts[0]![r]!;
    let leftAt = starts[1]![r]!;
    let rightAt = starts[2]![r]!;
    for (const end = at + length; at < end; at++, maskAt += maskStep, leftAt += leftStep, rightAt += rightStep) {
      result[at] = mask[maskAt] === 0 ? right[rightAt]! : left[leftAt]!;
    }
  }
  return write(result, out);
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** ∂ tanh = 1 − tanh² */
export function tanhGrad({ gradOut, out: y }: Inputs<'tanhGrad', HostTensor>, _: unknown, out: TensorSpec): HostTensor {
  return mapPairs(gradOut, y, out, (g, t) => g * (1 - t * t));
}

/** ∂σ = σ(1 − σ) */
export function sigmoidGrad(
  { gradOut, out: y }: Inputs<'sigmoidGrad', HostTensor>,
  _: unknown,
  out: TensorSpec,
): HostTensor {
  return mapPairs(gradOut, y, out, (g, s) => g * (s * (1 - s)));
}

export function clamp({ x }: Inputs<'clamp', HostTensor>, { min, max }: Attrs<'clamp'>, out: TensorSpec): HostTensor {
  return mapElements(x, out, (v) => (v > max ? max : v < min ? min : v));
}

/** See `readAs` for what becomes of values that an integer dtype does not have. */
export function cast({ x }: Inputs<'cast', HostTensor>, overflow: Attrs<'cast'>, out: TensorSpec): HostTensor {
  if (x.dtype === out.dtype) return createHostTensor(out, x.block.data.slice());
  const values = readAs(x, out.dtype);
  return write(values === x.block.data ? values.slice() : values, out, overflow);
}

/** Element `i` survives, scaled by 1/(1 − p), if the i-th uniform number of the stream is at least `p`. */
export function dropout(
  { x }: Inputs<'dropout', HostTensor>,
  { p, seed, offset }: Attrs<'dropout'>,
  out: TensorSpec,
): HostTensor {
  const values = readFloats(x, out.dtype);
  const words = philoxWords(seed, offset, values.length);
  const result = allocateNumbers(out.dtype, values.length);
  const scale = 1 / (1 - p);
  for (let i = 0; i < result.length; i++) result[i] = uniformOf(words[i]!) >= p ? values[i]! * scale : 0;
  return write(result, out);
}
