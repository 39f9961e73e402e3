import {
  computeDType,
  full,
  type Generator,
  rand,
  randn,
  sizeOf,
  type Tensor,
  TensorError,
  update,
} from '@halfgrad/core';

export interface InitOptions {
  /** Defaults to the generator that `manualSeed` restarts. */
  readonly generator?: Generator;
}

/** The functions that follow a layer, by the gain that keeps the variance of its activations. */
export type Nonlinearity = 'linear' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu';

export interface KaimingOptions extends InitOptions {
  /** The negative slope of a leaky ReLU that follows. */
  readonly a?: number;
  /** Whether to preserve the variance of activations (`fanIn`) or of gradients (`fanOut`). */
  readonly mode?: 'fanIn' | 'fanOut';
  readonly nonlinearity?: Nonlinearity;
}

export interface XavierOptions extends InitOptions {
  readonly gain?: number;
}

/** Fills `target` with draws from U(`low`, `high`). */
export function uniform(target: Tensor, low = 0, high = 1, options: InitOptions = {}): Tensor {
  return fill(
    target,
    rand(target.shape, wide(target, options))
      .mul(high - low)
      .add(low),
  );
}

/** Fills `target` with draws from N(`mean`, `std`²). */
export function normal(target: Tensor, mean = 0, std = 1, options: InitOptions = {}): Tensor {
  return fill(target, randn(target.shape, wide(target, options)).mul(std).add(mean));
}

export function zeros(target: Tensor): Tensor {
  return constant(target, 0);
}

export function ones(target: Tensor): Tensor {
  return constant(target, 1);
}

export function constant(target: Tensor, value: number): Tensor {
  return fill(target, full(target.shape, value, { dtype: target.dtype, device: target.device }));
}

/**
 * U(−√3·σ, √3·σ) with σ = gain / √fan: activations keep their variance through rectifiers.
 *
 * @see He et al. (2015), eq. 10 and 14. https://arxiv.org/abs/1502.01852
 */
export function kaimingUniform(target: Tensor, options: KaimingOptions = {}): Tensor {
  const bound = Math.sqrt(3) * kaimingStd(target, options);
  return uniform(target, -bound, bound, options);
}

/** N(0, σ²) with the σ of `kaimingUniform`. */
export function kaimingNormal(target: Tensor, options: KaimingOptions = {}): Tensor {
  return normal(target, 0, kaimingStd(target, options), options);
}

/**
 * U(−√3·σ, √3·σ) with σ = gain · √(2 / (fanIn + fanOut)).
 *
 * @see Glorot & Bengio (2010), eq. 16. https://proceedings.mlr.press/v9/glorot10a.html
 */
export function xavierUniform(target: Tensor, options: XavierOptions = {}): Tensor {
  const bound = Math.sqrt(3) * xavierStd(target, options);
  return uniform(target, -bound, bound, options);
}

/** N(0, σ²) with the σ of `xavierUniform`. */
export function xavierNormal(target: Tensor, options: XavierOptions = {}): Tensor {
  return normal(target, 0, xavierStd(target, options), options);
}

/** The factor by which weights make up for the variance that a nonlinearity loses (`torch.nn.init.calculate_gain`). */
export function calculateGain(nonlinearity: Nonlinearity, a = 0.01): number {
  return gains[nonlinearity](a);
}

const gains: { readonly [N in Nonlinearity]: (a: number) => number } = {
  linear: () => 1,
  sigmoid: () => 1,
  // PyTorch's recommended values.
  tanh: () => 5 / 3,
  selu: () => 3 / 4,
  relu: () => Math.SQRT2,
  leakyRelu: (a) => Math.sqrt(2 / (1 + a * a)),
};

/** The numbers of inputs of an output and of outputs of an input, for a weight `[out, in, …kernel]`. */
export function fans({ shape }: Tensor): { readonly fanIn: number; readonly fanOut: number } {
  const [outputs, inputs, ...kernel] = shape;
  if (outputs === undefined || inputs === undefined) {
    throw new TensorError('shape-mismatch', `init: [${shape.join(',')}] has no fan. Use a weight of 2 or more dims.`);
  }
  return { fanIn: inputs * sizeOf(kernel), fanOut: outputs * sizeOf(kernel) };
}

function kaimingStd(target: Tensor, { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' }: KaimingOptions): number {
  return calculateGain(nonlinearity, a) / Math.sqrt(fans(target)[mode]);
}

function xavierStd(target: Tensor, { gain = 1 }: XavierOptions): number {
  const { fanIn, fanOut } = fans(target);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

/** 16-bit targets are drawn in float32 and rounded once. */
function wide({ dtype, device }: Tensor, { generator }: InitOptions): Parameters<typeof rand>[1] {
  return { dtype: computeDType(dtype), device, ...(generator && { generator }) };
}

function fill(target: Tensor, source: Tensor): Tensor {
  update('assign', { target, source });
  return target;
}
