import {
  abs,
  add,
  amax,
  amin,
  batchNorm,
  conv2d,
  convTranspose2d,
  instanceNorm,
  isFloat,
  layerNorm,
  log,
  logsumexp,
  matmul,
  mean,
  norm,
  pad,
  permute,
  prod,
  softmax,
  square,
  squeeze,
  sum,
  type Tensor,
  unsqueeze,
} from '@halfgrad/core';
import type { WebnnCall, WebnnOp } from './graph.ts';

type Reduce = (x: Tensor, dims: readonly number[], options: { readonly keepDim: boolean }) => Tensor;

/** No axes at all reduce everything; an empty list reduces nothing but applies the function. */
const reduction =
  (reduce: Reduce): WebnnOp =>
  (call) => {
    const x = call.input('input');
    const dims = call.numbers('axes') ?? x.shape.map((_, dim) => dim);
    return reduce(x, dims, { keepDim: call.is('keepDimensions') });
  };

/** The dimension at `from` moved to `to`; the others keep their order. */
function moveDim(x: Tensor, from: number, to: number): Tensor {
  const dims = x.shape.map((_, dim) => dim).filter((dim) => dim !== from);
  dims.splice(to, 0, from);
  return permute(x, dims);
}

function batchNormalization(call: WebnnCall): Tensor {
  const axis = call.number('axis', 1);
  const channelsFirst = moveDim(call.input('input'), axis, 0);
  const { out } = batchNorm(unsqueeze(channelsFirst, 0), {
    runningMean: call.input('mean'),
    runningVar: call.input('variance'),
    weight: call.optional('scale'),
    bias: call.optional('bias'),
    eps: call.number('epsilon', 1e-5),
  });
  return moveDim(squeeze(out, 0), 0, axis);
}

function instanceNormalization(call: WebnnCall): Tensor {
  const isChannelsLast = call.text('layout', 'nchw') === 'nhwc';
  const x = call.input('input');
  const out = instanceNorm(isChannelsLast ? moveDim(x, 3, 1) : x, {
    weight: call.optional('scale'),
    bias: call.optional('bias'),
    eps: call.number('epsilon', 1e-5),
  });
  return isChannelsLast ? moveDim(out, 1, 3) : out;
}

/** Over any axes, also none, in any order, which is also the order of the scale's dimensions. */
function layerNormalization(call: WebnnCall): Tensor {
  const x = call.input('input');
  const axes = call.numbers('axes') ?? x.shape.map((_, dim) => dim).slice(1);
  const order = [...x.shape.map((_, dim) => dim).filter((dim) => !axes.includes(dim)), ...axes];
  // A last dimension of size 1 changes nothing, and gives the norm something to run over when there are no axes.
  const withLast = (parameter: Tensor | undefined): Tensor | undefined => parameter && unsqueeze(parameter, -1);
  const moved = unsqueeze(permute(x, order), -1);
  const out = layerNorm(moved, moved.shape.slice(x.rank - axes.length), {
    weight: withLast(call.optional('scale')),
    bias: withLast(call.optional('bias')),
    eps: call.number('epsilon', 1e-5),
  });
  return permute(
    squeeze(out, -1),
    order.map((_, dim) => order.indexOf(dim)),
  );
}

/** A filter in the library's order, from the letters of WebNN's. */
function filterAs(order: string, call: WebnnCall, fallback: string): Tensor {
  const layout = call.text('filterLayout', fallback);
  return permute(
    call.input('filter'),
    [...order].map((letter) => layout.indexOf(letter)),
  );
}

interface Windows {
  readonly x: Tensor;
  readonly pads: readonly [number, number, number, number];
  readonly options: {
    readonly stride: readonly number[];
    readonly dilation: readonly number[];
    readonly groups: number;
  };
}

function windowsOf(call: WebnnCall): Windows {
  const x = call.input('input');
  return {
    x: call.text('inputLayout', 'nchw') === 'nhwc' ? moveDim(x, 3, 1) : x,
    pads: (call.numbers('padding') ?? [0, 0, 0, 0]) as unknown as Windows['pads'],
    options: {
      stride: call.numbers('strides') ?? [1, 1],
      dilation: call.numbers('dilations') ?? [1, 1],
      groups: call.number('groups', 1),
    },
  };
}

const inLayoutOf = (call: WebnnCall, out: Tensor): Tensor =>
  call.text('inputLayout', 'nchw') === 'nhwc' ? moveDim(out, 1, 3) : out;

function convolution(call: WebnnCall): Tensor {
  const {
    x,
    pads: [top, bottom, left, right],
    options,
  } = windowsOf(call);
  const isSymmetric = top === bottom && left === right;
  const out = conv2d(
    isSymmetric ? x : pad(x, [left, right, top, bottom]),
    filterAs('oihw', call, 'oihw'),
    call.optional('bias'),
    {
      ...options,
      padding: isSymmetric ? [top, left] : 0,
    },
  );
  return inLayoutOf(call, out);
}

/** Unequal padding is cut off a whole result, which an output padding makes longer. */
function transposedConvolution(call: WebnnCall): Tensor {
  const { x, pads, options } = windowsOf(call);
  const [top, bottom, left, right] = pads;
  const filter = filterAs('iohw', call, 'iohw');
  const sizes = call.numbers('outputSizes');
  const extra = [0, 1].map((i) => {
    if (!sizes) return call.numbers('outputPadding')?.[i] ?? 0;
    const [stride, dilation] = [options.stride[i] as number, options.dilation[i] as number];
    const span = ((x.shape[2 + i] as number) - 1) * stride + dilation * ((filter.shape[2 + i] as number) - 1) + 1;
    return (sizes[i] as number) - span + (pads[2 * i] as number) + (pads[2 * i + 1] as number);
  }) as [number, number];
  const bias = call.optional('bias');
  if (top === bottom && left === right) {
    const padded = { ...options, padding: [top, left], outputPadding: extra };
    return inLayoutOf(call, convTranspose2d(x, filter, bias, padded));
  }
  const whole = convTranspose2d(x, filter, undefined, options);
  const cut = pad(whole, [-left, extra[1] - right, -top, extra[0] - bottom]);
  return inLayoutOf(call, bias ? add(cut, bias.reshape([-1, 1, 1])) : cut);
}

/** Layers, products and reductions, by name. */
export const layerOps: Readonly<Record<string, WebnnOp>> = {
  batchNormalization,
  conv2d: convolution,
  convTranspose2d: transposedConvolution,
  instanceNormalization,
  layerNormalization,
  matmul: (call) => matmul(call.input('a'), call.input('b')),
  softmax: (call) => softmax(call.input('input'), call.number('axis', 1)),

  // Norms are of floats.
  reduceL1: reduction((x, dims, options) =>
    isFloat(x.dtype) ? norm(x, 1, dims, options) : sum(abs(x), dims, options),
  ),
  reduceL2: reduction((x, dims, options) => norm(x, 2, dims, options)),
  reduceLogSum: reduction((x, dims, options) => log(sum(x, dims, options))),
  reduceLogSumExp: reduction(logsumexp),
  reduceMax: reduction(amax),
  reduceMean: reduction(mean),
  reduceMin: reduction(amin),
  reduceProduct: reduction((x, dims, options) => prod(x, dims, options)),
  reduceSum: reduction((x, dims, options) => sum(x, dims, options)),
  reduceSumSquare: reduction((x, dims, options) => sum(square(x), dims, options)),
};
