import {
  add,
  avgPool2d,
  chunk,
  concat,
  div,
  flatten,
  linear,
  mul,
  narrow,
  permute,
  pow,
  reshape,
  scaledDotProductAttention,
  sigmoid,
  square,
  sub,
  type Tensor,
  tanh,
  tensor,
  unsqueeze,
} from '@halfgrad/core';

type InputName =
  | 'a'
  | 'b'
  | 'bias'
  | 'bhh'
  | 'bih'
  | 'c'
  | 'running_mean_before'
  | 'running_var_before'
  | 'h'
  | 'idx'
  | 'k'
  | 'm'
  | 'n'
  | 'p'
  | 'pw'
  | 'q'
  | 's'
  | 't'
  | 'v'
  | 'w'
  | 'whh'
  | 'wih'
  | 'x'
  | 'x0'
  | 'x1'
  | 'x2'
  | 'y'
  | 'in_proj_weight'
  | 'in_proj_bias'
  | 'out_proj.weight'
  | 'out_proj.bias';

/** The tensors of a case by the names they have in the file. */
export type CaseInputs = { readonly [N in InputName]: Tensor };

export function indices({ device }: Tensor, list: readonly number[]): Tensor {
  return tensor(list, { dtype: 'int32', device });
}

/** The places of the elements of a 2 × 2 window. */
export const windowOffsets = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;

/** `size` × `size` positions of the last two dimensions. */
export function crop(x: Tensor, row: number, column: number, size: number): Tensor {
  return narrow(narrow(x, 2, row, size), 3, column, size);
}

/** x / (1 + α · mean over neighbouring channels of x²)^β, with PyTorch's α and β. */
export function localResponseNorm(x: Tensor, size: number): Tensor {
  const [batch, channels] = x.shape as [number, number];
  const rows = reshape(square(x), [batch, 1, channels, -1]);
  const average = avgPool2d(rows, [size, 1], { stride: 1, padding: [(size - 1) / 2, 0] });
  return div(x, pow(add(mul(reshape(average, x.shape), 1e-4), 1), 0.75));
}

/** Every position of `dim`, `times` times in a row. */
export function repeatInterleave(x: Tensor, dim: number, times: number): Tensor {
  return flatten(concat(new Array<Tensor>(times).fill(unsqueeze(x, dim + 1)), dim + 1), dim, dim + 1);
}

/** True above the diagonal of the last two dimensions. */
export function upperTriangle({ shape, device }: Tensor): Tensor {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return tensor(
    Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => j > i)),
    { device },
  );
}

export function selfAttention(inputs: CaseInputs, heads: number): Tensor {
  const { x } = inputs;
  const [batch, length, width] = x.shape as [number, number, number];
  const projected = chunk(linear(x, inputs.in_proj_weight, inputs.in_proj_bias), 3, -1);
  const [q, k, v] = projected.map((part) =>
    permute(reshape(part, [batch, length, heads, width / heads]), [0, 2, 1, 3]),
  ) as [Tensor, Tensor, Tensor];
  const joined = reshape(permute(scaledDotProductAttention(q, k, v), [0, 2, 1, 3]), x.shape);
  return linear(joined, inputs['out_proj.weight'], inputs['out_proj.bias']);
}

export function recurrent({ x, h, wih, whh, bih, bhh }: CaseInputs): Tensor {
  return add(linear(x, wih, bih), linear(h, whh, bhh));
}

export function lstmCell(inputs: CaseInputs): Tensor {
  const [i, f, g, o] = chunk(recurrent(inputs), 4, 1) as [Tensor, Tensor, Tensor, Tensor];
  const cell = add(mul(sigmoid(f), inputs.c), mul(sigmoid(i), tanh(g)));
  return concat([mul(sigmoid(o), tanh(cell)), cell], 1);
}

export function gruCell({ x, h, wih, whh, bih, bhh }: CaseInputs): Tensor {
  const [rx, zx, nx] = chunk(linear(x, wih, bih), 3, 1) as [Tensor, Tensor, Tensor];
  const [rh, zh, nh] = chunk(linear(h, whh, bhh), 3, 1) as [Tensor, Tensor, Tensor];
  const update = sigmoid(add(zx, zh));
  const candidate = tanh(add(nx, mul(sigmoid(add(rx, rh)), nh)));
  return add(mul(sub(1, update), candidate), mul(update, h));
}
