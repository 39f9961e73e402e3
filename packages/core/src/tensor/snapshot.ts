import { zerosLike } from './create.ts';
import type { Tensor } from './tensor.ts';
import { update } from './update.ts';

/** The values that `x` has now, in memory of their own and outside the graph: later updates of `x` do not reach them. */
export function snapshot(x: Tensor): Tensor {
  const copy = zerosLike(x);
  update('assign', { target: copy, source: x });
  return copy;
}
