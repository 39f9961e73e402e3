import { currentLayers, withLayers } from '../dispatch/layers.ts';
import { defaultGenerator } from '../functional/random.ts';
import { TensorError } from '../spec/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type GradNode, nextNodeId, reachableNodes } from './graph.ts';

/**
 * Runs `body` without keeping what its ops save; backward runs it again to get that back (activation checkpointing).
 *
 * Trades one more forward pass for the memory of the activations. The second run sees the same layers (autocast, AMP.md
 * A9.6) and the same random numbers. `body` must do the same both times.
 *
 * @see Chen et al. (2016). https://arxiv.org/abs/1604.06174
 */
export function checkpoint(body: () => Tensor): Tensor {
  const layers = currentLayers();
  const random = defaultGenerator.state();
  const first = nextNodeId();
  const out = body();
  if (out.slot.origin === undefined) return out;

  const nodes = nodesSince(out, first);
  let restored = false;
  const restore = (): void => {
    if (restored) return;
    restored = true;
    const now = defaultGenerator.state();
    defaultGenerator.setState(random);
    try {
      const start = nextNodeId();
      const twins = nodesSince(withLayers(layers, body), start);
      if (twins.length !== nodes.length) {
        throw new TensorError(
          'invalid-argument',
          `checkpoint: the function recorded ${nodes.length} ops, then ${twins.length}`,
        );
      }
      nodes.forEach((node, i) => {
        const twin = twins[i] as GradNode;
        if (!node.released) node.refill(twin);
        twin.release();
      });
    } finally {
      defaultGenerator.setState(now);
    }
  };
  for (const node of nodes) node.offload(restore);
  return out;
}

/** The nodes behind `out` that were made since and saved something, newest first. */
function nodesSince(out: Tensor, first: number): GradNode[] {
  return reachableNodes([out.slot]).filter(({ id, saved }) => id >= first && saved.length > 0);
}
