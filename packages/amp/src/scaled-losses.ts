import { Tensor, TensorError } from '@halfgrad/core';

/** One loss, or several in lists and records. */
export type Losses = Tensor | readonly Losses[] | { readonly [name: string]: Losses };

/** The same lists and records, with every loss replaced (AMP.md B2.2). */
export function mapLosses<L extends Losses>(losses: L, replace: (loss: Tensor) => Tensor): L {
  return map(losses, replace) as L;
}

function map(losses: unknown, replace: (loss: Tensor) => Tensor): unknown {
  if (losses instanceof Tensor) return replace(losses);
  if (Array.isArray(losses)) return losses.map((loss) => map(loss, replace));
  if (typeof losses === 'object' && losses !== null && Object.getPrototypeOf(losses) === Object.prototype) {
    return Object.fromEntries(Object.entries(losses).map(([name, loss]) => [name, map(loss, replace)]));
  }
  throw new TensorError(
    'invalid-argument',
    `GradScaler.scale: takes tensors, lists and records of them, got ${losses}`,
  );
}
