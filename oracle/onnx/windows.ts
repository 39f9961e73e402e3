import {
  abs,
  addmm,
  amax,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  dispatch,
  matmul,
  mean,
  mul,
  type PoolWindow,
  pad,
  pow,
  type Tensor,
  transpose,
} from '@halfgrad/core';
import { Missing } from '../suite.ts';
import type { OnnxCall, OnnxOp } from './graph.ts';
import { pairs } from './movement.ts';

/** One spatial dimension of a window that moves: sizes, and the padding on both sides. */
interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly low: number;
  readonly high: number;
}

/** The spatial dimensions of a convolution or pooling, with automatic padding worked out. */
function axesOf(call: OnnxCall, x: Tensor, kernels: readonly number[]): Axis[] {
  const rank = kernels.length;
  const pads = call.ints('pads');
  const auto = call.text('auto_pad', 'NOTSET');
  return kernels.map((kernel, i) => {
    const size = x.shape[2 + i] as number;
    const stride = call.ints('strides')?.[i] ?? 1;
    const dilation = call.ints('dilations')?.[i] ?? 1;
    const same = Math.max((Math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0);
    const less = Math.floor(same / 2);
    const more = same - less;
    const [low, high] =
      auto === 'SAME_UPPER'
        ? [less, more]
        : auto === 'SAME_LOWER'
          ? [more, less]
          : [pads?.[i] ?? 0, pads?.[rank + i] ?? 0];
    return { size, kernel, stride, dilation, low, high };
  });
}

/** The windows of one dimension; with `ceil` also a last one that reaches beyond the padding, unless it starts there. */
function windowsOf(
  { size, kernel, stride, dilation, low, high }: Axis,
  ceil: boolean,
  countPad: boolean,
): PoolWindow[] {
  const steps = (size + low + high - dilation * (kernel - 1) - 1) / stride;
  const fitting = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  const count = ceil && (fitting - 1) * stride >= size + low ? fitting - 1 : fitting;
  return Array.from({ length: count }, (_, position) => {
    const taps = Array.from({ length: kernel }, (_, i) => position * stride - low + i * dilation);
    const inside = taps.filter((at) => at >= 0 && at < size);
    const padded = taps.filter((at) => at < size + high);
    return {
      start: inside[0] as number,
      end: (inside.at(-1) as number) + 1,
      step: dilation,
      count: countPad ? padded.length : inside.length,
    };
  });
}

function pooling(call: OnnxCall): { x: Tensor; windows: PoolWindow[][] } {
  const x = call.input(0);
  const axes = axesOf(call, x, call.ints('kernel_shape') ?? []);
  const [ceil, countPad] = [call.int('ceil_mode', 0) === 1, call.int('count_include_pad', 0) === 1];
  return { x, windows: axes.map((axis) => windowsOf(axis, ceil, countPad)) };
}

function averagePool(call: OnnxCall): Tensor {
  const { x, windows } = pooling(call);
  return dispatch('avgPool', { x }, { windows });
}

function maxPool(call: OnnxCall): Tensor {
  const { x, windows } = pooling(call);
  return dispatch('maxPool', { x }, { windows }).out;
}

/** (Σ |x|ᵖ)^(1/p) of each window: an average with the divisor 1 is a sum. */
function lpPool(call: OnnxCall): Tensor {
  const { x, windows } = pooling(call);
  const p = call.int('p', 2);
  const sums = windows.map((dim) => dim.map((window) => ({ ...window, count: 1 })));
  return pow(dispatch('avgPool', { x: pow(abs(x), p) }, { windows: sums }), 1 / p);
}

const spatial = (x: Tensor): readonly number[] => x.shape.map((_, dim) => dim).slice(2);

const convolutions = [conv1d, conv2d, conv3d];
const transposedConvolutions = [convTranspose1d, convTranspose2d, convTranspose3d];

function convolution(call: OnnxCall): Tensor {
  const [x, weight] = [call.input(0), call.input(1)];
  const axes = axesOf(call, x, weight.shape.slice(2));
  const isSymmetric = axes.every(({ low, high }) => low === high);
  const convolve = convolutions[axes.length - 1];
  if (!convolve) throw new Missing(`convolution of ${axes.length} dimensions`);
  const amounts = pairs(
    axes.map(({ low }) => low),
    axes.map(({ high }) => high),
  );
  return convolve(isSymmetric ? x : pad(x, amounts), weight, call.optional(2), {
    stride: axes.map(({ stride }) => stride),
    dilation: axes.map(({ dilation }) => dilation),
    padding: isSymmetric ? axes.map(({ low }) => low) : 0,
    groups: call.int('group', 1),
  });
}

/** Where `pads` are unequal, or follow from a size asked for, the whole result is computed and cut. */
function transposedConvolution(call: OnnxCall): Tensor {
  const [x, weight, bias] = [call.input(0), call.input(1), call.optional(2)];
  const kernels = weight.shape.slice(2);
  const convolve = transposedConvolutions[kernels.length - 1];
  if (!convolve) throw new Missing(`transposed convolution of ${kernels.length} dimensions`);
  const axes = axesOf(call, x, kernels);
  const extra = kernels.map((_, i) => call.ints('output_padding')?.[i] ?? 0);
  const options = {
    stride: axes.map(({ stride }) => stride),
    dilation: axes.map(({ dilation }) => dilation),
    groups: call.int('group', 1),
  };
  const auto = call.text('auto_pad', 'NOTSET');
  if (auto === 'NOTSET' && axes.every(({ low, high }) => low === high)) {
    return convolve(x, weight, bias, { ...options, padding: axes.map(({ low }) => low), outputPadding: extra });
  }
  const whole = convolve(x, weight, bias, options);
  const surplus = axes.map(({ size, stride, low, high }, i) =>
    auto === 'NOTSET'
      ? [low, high - (extra[i] as number)]
      : sharedOut((whole.shape[2 + i] as number) - size * stride, auto),
  );
  return pad(
    whole,
    pairs(
      surplus.map(([low]) => -(low as number)),
      surplus.map(([, high]) => -(high as number)),
    ),
  );
}

/** An odd surplus is cut behind, or in front. */
function sharedOut(surplus: number, auto: string): [number, number] {
  const less = Math.floor(surplus / 2);
  return auto === 'SAME_UPPER' ? [less, surplus - less] : [surplus - less, less];
}

/** α · A B + β · C, each matrix transposed on demand. */
function gemm(call: OnnxCall): Tensor {
  const [a, b, c] = [call.input(0), call.input(1), call.optional(2)];
  const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)];
  const left = call.int('transA', 0) ? transpose(a) : a;
  const right = call.int('transB', 0) ? transpose(b) : b;
  return c ? addmm(c, left, right, { alpha, beta }) : mul(matmul(left, right), alpha);
}

/** Products and windows, by name. */
export const windowOps: Readonly<Record<string, OnnxOp>> = {
  Conv: convolution,
  ConvTranspose: transposedConvolution,
  Gemm: gemm,
  MatMul: (call) => matmul(call.input(0), call.input(1)),
  AveragePool: averagePool,
  LpPool: lpPool,
  MaxPool: maxPool,
  GlobalAveragePool: (call) => mean(call.input(0), spatial(call.input(0)), { keepDim: true }),
  GlobalMaxPool: (call) => amax(call.input(0), spatial(call.input(0)), { keepDim: true }),
};
