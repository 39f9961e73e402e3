/**
 * The adapter of halfgrad's own scaler: how a scaler that works on tensors is judged by the kit.
 *
 *     npx halfgrad check scaler examples/halfgrad-scaler.ts
 */
import type { CheckedOptimizer, CreateScaler } from '@halfgrad/testing/scaler-check';
import { type Tensor, tensor } from 'halfgrad';
import { GradScaler } from 'halfgrad/amp';

/** A parameter in place of each optimizer's weights: its gradient is all that the scaler looks at. */
interface Stand {
  readonly param: Tensor;
  namedParameters(): [string, Tensor][];
  step(options?: { readonly foundInf?: Tensor }): void;
}

export const createScaler: CreateScaler = (options, state) => {
  const scaler = new GradScaler({ ...options, onCollapse: 'floor' });
  if (state) scaler.loadStateDict(state as Parameters<GradScaler['loadStateDict']>[0]);
  const stands = new Map<CheckedOptimizer, Stand>();
  scaler.scale(tensor(1));

  function standFor(optimizer: CheckedOptimizer): Stand {
    const existing = stands.get(optimizer);
    if (existing) return existing;
    const param = tensor([...optimizer.gradients], { requiresGrad: true });
    const stand: Stand = {
      param,
      namedParameters: () => [['weights', param]],
      step({ foundInf } = {}) {
        copyBack(optimizer, param);
        if (!foundInf || foundInf.item() === 0) optimizer.step();
      },
    };
    stands.set(optimizer, stand);
    return stand;
  }

  /** Gives the parameter the optimizer's gradients; what was unscaled by hand stays so. */
  function lend(optimizer: CheckedOptimizer): Stand {
    const stand = standFor(optimizer);
    stand.param.grad = tensor([...optimizer.gradients]);
    return stand;
  }

  return {
    scale: (loss) => scaler.scale(tensor(loss)).item(),
    unscale(optimizer) {
      const stand = lend(optimizer);
      scaler.unscale(stand);
      copyBack(optimizer, stand.param);
    },
    step(optimizer) {
      scaler.step(lend(optimizer));
    },
    update: () => scaler.update(),
    state: () => scaler.stateDict(),
  };
};

function copyBack({ gradients }: CheckedOptimizer, { grad }: Tensor): void {
  if (grad) gradients.set(grad.dataSync());
}
