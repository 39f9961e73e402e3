import type { Attrs, Inputs, TensorSpec } from '@halfgrad/core';
import { allocateNumbers, type HostTensor, readAs, readFloats, write } from '../host-tensor.ts';
import { maximum } from './elementwise.ts';
import { erfc } from './erf.ts';
import { eachPair, mapElements, mapPairs, zip } from './map.ts';

/** log(1 + e^z) = max(z, 0) + log(1 + e^(−|z|)), which cannot overflow. */
export function softplus(
  { x }: Inputs<'softplus', HostTensor>,
  { beta, threshold }: Attrs<'softplus'>,
  out: TensorSpec,
): HostTensor {
  return mapElements(x, out, (v) => {
    const z = v * beta;
    return z > threshold ? v : (maximum(z, 0) + Math.log1p(Math.exp(-Math.abs(z)))) / beta;
  });
}

export function relu({ x }: Inputs<'relu', HostTensor>, _: unknown, out: TensorSpec): HostTensor {
  const values = readAs(x, out.dtype);
  const result = allocateNumbers(out.dtype, values.length);
  for (let i = 0; i < result.length; i++) result[i] = Math.max(values[i]!, 0);
  return write(result, out);
}

export function reluGrad({ gradOut, out: y }: Inputs<'reluGrad', HostTensor>, _: unknown, out: TensorSpec): HostTensor {
  const [grads, values] = [readFloats(gradOut, out.dtype), readFloats(y, out.dtype)];
  const result = allocateNumbers(out.dtype, values.length);
  for (let i = 0; i < result.length; i++) result[i] = values[i]! > 0 ? grads[i]! : 0;
  return write(result, out);
}

/** √(2/π) and the cubic coefficient of the tanh form (Hendrycks & Gimpel, 2016). */
const geluScale = Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;

/** xΦ(x), or x/2 · (1 + tanh(√(2/π) · (x + 0.044715x³))). */
export function gelu({ x }: Inputs<'gelu', HostTensor>, { approximate }: Attrs<'gelu'>, out: TensorSpec): HostTensor {
  if (approximate === 'none') return mapElements(x, out, (v) => v * normalCdf(v));
  return mapElements(x, out, (v) => 0.5 * v * (1 + Math.tanh(geluScale * (v + geluCubic * v * v * v))));
}

/** Φ(x) + xφ(x), or the derivative of the tanh form. */
export function geluGrad(
  { gradOut, x }: Inputs<'geluGrad', HostTensor>,
  { approximate }: Attrs<'geluGrad'>,
  out: TensorSpec,
): HostTensor {
  if (approximate === 'none') {
    const density = (v: number): number => Math.exp(-0.5 * v * v) / Math.sqrt(2 * Math.PI);
    return mapPairs(gradOut, x, out, (g, v) => g * (normalCdf(v) + v * density(v)));
  }
  return mapPairs(gradOut, x, out, (g, v) => {
    const t = Math.tanh(geluScale * (v + geluCubic * v * v * v));
    return g * (0.5 * (1 + t) + 0.5 * v * (1 - t * t) * geluScale * (1 + 3 * geluCubic * v * v));
  });
}

/** Φ(x) = erfc(−x/√2) / 2, which keeps its relative precision far below 0. */
function normalCdf(x: number): number {
  return 0.5 * erfc(-x * Math.SQRT1_2);
}

export function elu(
  { x }: Inputs<'elu', HostTensor>,
  { alpha, scale, inputScale }: Attrs<'elu'>,
  out: TensorSpec,
): HostTensor {
  const negative = scale * alpha;
  return mapElements(x, out, (v) => (v > 0 ? scale * v : negative * Math.expm1(inputScale * v)));
}

export function leakyRelu(
  { x }: Inputs<'leakyRelu', HostTensor>,
  { negativeSlope }: Attrs<'leakyRelu'>,
  out: TensorSpec,
): HostTensor {
  return mapElements(x, out, (v) => (v > 0 ? v : negativeSlope * v));
}

const slopedPairs = zip(eachPair((x, slope) => (x > 0 ? x : slope * x)));

export function prelu({ x, weight }: Inputs<'prelu', HostTensor>, attrs: unknown, out: TensorSpec): HostTensor {
  return slopedPairs({ a: x, b: weight }, attrs, out);
}

/** `x` limited to [0, 6]; NaN stays NaN. */
export function relu6(x: number): number {
  return Math.min(Math.max(x, 0), 6);
}
