import { cast, noGrad, type Tensor, TensorError, update } from '@halfgrad/core';

type NamedTensor = readonly [name: string, tensor: Tensor];

/** A parameter that the model computes with, and the float32 one that the optimizer updates. */
interface Pair {
  readonly name: string;
  readonly copy: Tensor;
  readonly master: Tensor;
}

/**
 * Float32 weights behind a 16-bit model: small updates that 16 bit would round away add up in them (Micikevicius et al.
 * 2018, section 3.1; AMP.md E4).
 */
export class MasterWeights {
  /** The masters; of parameters that stayed in float32, those themselves. */
  readonly named: NamedTensor[];
  readonly #pairs: readonly Pair[];

  /** @param originals the parameters before the model was cast, in the order of `parameters` after it. */
  constructor(originals: readonly NamedTensor[], parameters: readonly NamedTensor[]) {
    this.named = [...originals];
    this.#pairs = originals.flatMap(([name, master], i) => {
      const copy = (parameters[i] as NamedTensor)[1];
      return copy === master ? [] : [{ name, master, copy }];
    });
  }

  /**
   * Moves the gradients of the 16-bit parameters to the masters, where those of several micro-batches add up in float32.
   *
   * @throws TensorError `mixed-loss-scales` when a master still has a gradient with another scale.
   */
  takeGradients(): void {
    noGrad(() => {
      for (const { name, copy, master } of this.#pairs) {
        const { grad } = copy;
        if (!grad) continue;
        if (master.grad && master.grad.lossScale !== grad.lossScale) {
          throw new TensorError(
            'mixed-loss-scales',
            `backward: the gradient of the master weight "${name}" carries another loss scale than this loss. Call optimizer.zeroGrad() at the start of each iteration.`,
          );
        }
        const wide = cast(grad, master.dtype);
        const total = master.grad ? master.grad.add(wide) : wide;
        total.lossScale = grad.lossScale;
        master.grad?.dispose();
        master.grad = total;
        grad.dispose();
        copy.grad = undefined;
      }
    });
  }

  /** Rounds the masters into the model. */
  write(): void {
    for (const { copy, master } of this.#pairs) update('assign', { target: copy, source: master });
  }
}
