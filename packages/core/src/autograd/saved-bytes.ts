import { type DType, dtypeNames } from '../spec/dtype.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { reachableNodes } from './graph.ts';

/**
 * Bytes of activations that the graph behind `roots` keeps for backward, by dtype.
 *
 * Memory shared by several nodes counts once, parameters not at all, since they live anyway. Right after the forward
 * pass this is the peak of a step that uses no checkpointing.
 */
export function savedBytes(roots: readonly Tensor[]): { readonly [D in DType]?: number } {
  const seen = new Set<unknown>();
  const bytes: { [D in DType]?: number } = {};
  for (const node of reachableNodes(roots.map(({ slot }) => slot))) {
    for (const tensor of node.saved) {
      const { block } = tensor.storage;
      if (seen.has(block) || (tensor.isLeaf && tensor.requiresGrad)) continue;
      seen.add(block);
      bytes[tensor.dtype] = (bytes[tensor.dtype] ?? 0) + tensor.bytes;
    }
  }
  return Object.fromEntries(dtypeNames.flatMap((dtype) => (bytes[dtype] ? [[dtype, bytes[dtype]]] : [])));
}
