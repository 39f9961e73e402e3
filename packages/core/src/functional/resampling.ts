import { dispatch } from '../dispatch/layers.ts';
import type { LinearSample } from '../ops/signatures.ts';
import { argumentError } from '../spec/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type PerDim, perDim } from './contraction.ts';

export interface InterpolateOptions {
  /** The spatial sizes of the result. */
  readonly size?: PerDim | undefined;
  /** Or how many times as large it is. */
  readonly scaleFactor?: PerDim | undefined;
  /** `'linear'`, `'bilinear'` and `'trilinear'` are one mode, for one, two and three spatial dimensions. */
  readonly mode?: 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'trilinear';
  /** Whether the corners of input and output have the same centres, instead of the same edges. */
  readonly alignCorners?: boolean;
}

/** How many spatial dimensions a mode has. */
const modeRank: Readonly<Record<string, number>> = { linear: 1, bilinear: 2, trilinear: 3 };

/**
 * `[N, C, …]` at another resolution (`torch.nn.functional.interpolate`).
 *
 * Autocast widens it to float32, also where nothing is computed (AMP.md A2).
 */
export function interpolate(
  x: Tensor,
  { size, scaleFactor, mode = 'nearest', alignCorners = false }: InterpolateOptions,
): Tensor {
  const rank = x.shape.length - 2;
  if (rank < 1 || (size === undefined) === (scaleFactor === undefined)) {
    throw argumentError('invalid-argument', 'interpolate', 'needs [N, C, …], and either a size or a scaleFactor', {
      x,
    });
  }
  if ((modeRank[mode] ?? rank) !== rank) {
    throw argumentError('shape-mismatch', 'interpolate', `'${mode}' needs [N, C] and ${modeRank[mode]} more`, { x });
  }
  const factors = scaleFactor === undefined ? undefined : perDim('interpolate', scaleFactor, rank);
  const sizes = size === undefined ? undefined : perDim('interpolate', size, rank);
  const axes = x.shape.slice(2).map((from, i) => {
    const factor = factors?.[i];
    const to = sizes?.[i] ?? Math.floor(from * (factor as number));
    if (!(Number.isInteger(to) && to >= 1 && from >= 1)) {
      throw argumentError('invalid-argument', 'interpolate', `cannot resample ${from} elements to ${to}`, { x });
    }
    const step = factor === undefined ? from / to : 1 / factor;
    if (mode === 'nearest' || mode === 'nearest-exact') return nearest(from, to, step, mode === 'nearest' ? 0 : 0.5);
    return alignCorners
      ? linear(from, to, (i) => (to > 1 ? (i * (from - 1)) / (to - 1) : 0))
      : linear(from, to, (i) => Math.max((i + 0.5) * step - 0.5, 0));
  });
  return dispatch('interpolate', { x }, { axes });
}

/** Positions are rounded to float32 as PyTorch's are, which decides where they fall between two elements. */
function nearest(from: number, to: number, step: number, offset: number): LinearSample[] {
  const single = Math.fround(step);
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(Math.floor(Math.fround((i + offset) * single)), from - 1);
    return { low: at, high: at, weight: 0 };
  });
}

function linear(from: number, to: number, position: (i: number) => number): LinearSample[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.min(position(i), from - 1);
    const low = Math.floor(at);
    return { low, high: Math.min(low + 1, from - 1), weight: at - low };
  });
}
