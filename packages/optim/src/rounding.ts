import {
  add,
  cast,
  type Generator,
  isHalf,
  rand,
  sub,
  type Tensor,
  TensorError,
  update,
  zerosLike,
} from '@halfgrad/core';
import type { ParamGroup } from './param-groups.ts';
import { unrecorded } from './unrecorded.ts';

/**
 * How an updated 16-bit parameter is rounded. A bfloat16 number has 8 significant bits: at 1, updates below 2^−9 round to
 * nothing, and training stands still (AMP.md D3.8).
 *
 * - `'nearest'`: to the nearest number, as PyTorch does.
 * - `'compensated'`: what rounding cuts off is kept in a second 16-bit tensor and joins the next update, which makes 16
 *   significant bits or more of the two (Kahan summation, with the whole step in float32).
 * - `'stochastic'`: to one of the two neighbours, the nearer one more often, so that updates survive on average. Only for
 *   bfloat16. Draws random numbers also for steps that are skipped.
 *
 * @see Zamirai et al. (2020). https://arxiv.org/abs/2010.06192
 */
export type Rounding = 'nearest' | 'compensated' | 'stochastic';

/** An option of every optimizer. */
export interface RoundingOptions {
  /** Concerns float16 and bfloat16 parameters; `'nearest'` by default. */
  rounding?: Rounding;
}

/** What compensated rounding remembers of a parameter. */
export type CompensatedState = { readonly compensation?: Tensor };

/** A 16-bit parameter and what its update needs to know. */
export interface RoundedTarget {
  readonly param: Tensor;
  readonly rounding: Rounding | undefined;
  readonly compensation: Tensor | undefined;
  readonly foundInf: Tensor | undefined;
  readonly generator: Generator;
}

/** @throws TensorError `invalid-argument` for stochastic rounding to float16. */
export function checkRounding(owner: string, { rounding, params }: ParamGroup<RoundingOptions>): void {
  if (rounding === 'stochastic' && params.some(({ dtype }) => dtype === 'float16')) {
    throw new TensorError(
      'invalid-argument',
      `${owner}: stochastic rounding is for bfloat16 parameters. Use rounding: 'compensated' for float16.`,
    );
  }
}

export function needsCompensation({ dtype }: Tensor, { rounding }: RoundingOptions): boolean {
  return rounding === 'compensated' && isHalf(dtype);
}

export function createCompensation(param: Tensor, options: RoundingOptions): CompensatedState {
  return needsCompensation(param, options) ? { compensation: zerosLike(param) } : {};
}

/** Calls `update` with a float32 copy of a 16-bit parameter and rounds the result, or with the parameter itself. */
export function updateRounded(target: RoundedTarget, updateParam: (param: Tensor) => void): void {
  const { param, rounding = 'nearest', compensation, foundInf, generator } = target;
  if (rounding === 'nearest' || !isHalf(param.dtype)) {
    updateParam(param);
    return;
  }
  unrecorded(() => {
    const stored = cast(param, 'float32');
    const wide = compensation ? add(stored, compensation) : stored;
    updateParam(wide);
    if (!compensation) {
      const noise = rand(param.shape, { device: param.device, generator });
      update('assign', { target: param, source: wide, foundInf, noise });
      return;
    }
    const rounded = cast(wide, param.dtype);
    update('assign', { target: compensation, source: sub(wide, cast(rounded, 'float32')), foundInf });
    update('assign', { target: param, source: rounded, foundInf });
  });
}
