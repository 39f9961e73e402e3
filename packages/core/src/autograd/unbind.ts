import { currentLayers, withLayers } from '../dispatch/layers.ts';
import { cast } from '../functional/elementwise.ts';
import { expand, select, stack } from '../functional/movement.ts';
import { normalizeDim } from '../spec/shape.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { GradNode } from './graph.ts';

/**
 * The slices along `dim`, which disappears (`torch.unbind`).
 *
 * Backward joins their gradients at once. That of a `select` is as large as the whole, so that a loop over a sequence
 * would take quadratic time.
 */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  const at = normalizeDim('unbind', dim, x.shape.length);
  const count = x.shape[at] as number;
  const parts = withLayers({ autograd: undefined }, () => Array.from({ length: count }, (_, i) => select(x, at, i)));
  if (currentLayers().autograd && x.requiresGrad && count > 0) new UnbindNode(x, at, parts);
  return parts;
}

class UnbindNode extends GradNode {
  readonly #dim: number;

  constructor(x: Tensor, dim: number, parts: readonly Tensor[]) {
    super(
      'unbind',
      [x.slot],
      parts.map(({ slot }) => slot),
      [],
    );
    this.#dim = dim;
  }

  override backward(grads: readonly (Tensor | undefined)[]): readonly Tensor[] {
    const known = grads.find((grad) => grad !== undefined) as Tensor;
    const zeros = expand(cast(known.number(0), known.dtype), known.shape);
    return [
      stack(
        grads.map((grad) => grad ?? zeros),
        this.#dim,
      ),
    ];
  }
}
