import { dispatch } from '../dispatch/layers.ts';
import type { DimPadding } from '../ops/signatures.ts';
import { argumentError, TensorError } from '../spec/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { indexSelect } from './indexing.ts';
import { slice } from './movement.ts';

export interface PadOptions {
  /**
   * What stands beyond the edge: a constant, the inside mirrored without the edge itself, the edge repeated, or the opposite
   * side.
   */
  readonly mode?: 'constant' | 'reflect' | 'replicate' | 'circular';
  /** The constant. */
  readonly value?: number;
}

/**
 * Padding in PyTorch's order: `[left, right, top, bottom, …]`, from the last dimension backwards
 * (`torch.nn.functional.pad`). Negative amounts crop.
 */
export function pad(x: Tensor, amounts: readonly number[], { mode = 'constant', value = 0 }: PadOptions = {}): Tensor {
  const rank = x.shape.length;
  if (amounts.length % 2 !== 0 || amounts.length > 2 * rank) {
    throw new TensorError(
      'invalid-argument',
      `pad: ${amounts.length} amounts for ${rank} dimensions. Give a pair per dimension.`,
    );
  }
  const pairs = x.shape.map(
    (_, dim) => [amounts[2 * (rank - 1 - dim)] ?? 0, amounts[2 * (rank - 1 - dim) + 1] ?? 0] as const,
  );
  if (mode === 'constant') return padWithConstant(x, pairs, value);
  return pairs.reduce((padded, [low, high], dim) => padFromInside(padded, dim, low, high, mode), x);
}

function padWithConstant(x: Tensor, pairs: readonly (readonly [low: number, high: number])[], value: number): Tensor {
  const cropped = pairs.some(([low, high]) => low < 0 || high < 0)
    ? slice(
        x,
        pairs.map(([low, high], dim) => ({
          start: Math.max(-low, 0),
          end: (x.shape[dim] as number) - Math.max(-high, 0),
        })),
      )
    : x;
  const padding = pairs.map(
    ([low, high]): DimPadding => ({ low: Math.max(low, 0), high: Math.max(high, 0), interior: 0 }),
  );
  return dispatch('pad', { x: cropped }, { padding, value });
}

/** Where a position outside `[0, size)` is read, and how far outside it may be. */
const readPositions = {
  reflect: {
    reach: (size: number): number => size - 1,
    position: (at: number, size: number): number => (at < 0 ? -at : at >= size ? 2 * (size - 1) - at : at),
  },
  replicate: {
    reach: (size: number): number => (size > 0 ? Number.POSITIVE_INFINITY : 0),
    position: (at: number, size: number): number => Math.min(Math.max(at, 0), size - 1),
  },
  circular: {
    reach: (size: number): number => size,
    position: (at: number, size: number): number => (at + size) % size,
  },
} as const;

function padFromInside(x: Tensor, dim: number, low: number, high: number, mode: keyof typeof readPositions): Tensor {
  if (low === 0 && high === 0) return x;
  const size = x.shape[dim] as number;
  const { reach, position } = readPositions[mode];
  const length = low + size + high;
  if (!(Number.isInteger(low) && Number.isInteger(high) && length >= 0 && Math.max(low, high) <= reach(size))) {
    throw argumentError('invalid-argument', 'pad', `${mode} padding of dim ${dim} by ${low} and ${high}`, { x });
  }
  const positions = Array.from({ length }, (_, i) => position(i - low, size));
  return indexSelect(x, dim, x.constant(positions, 'int32'));
}
