import { currentLayers, withLayers } from '../dispatch/layers.ts';
import { TensorError } from '../spec/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { GradNode, type GradSlot } from './graph.ts';

/** What the two halves of a custom function share. */
export interface FunctionContext {
  /** Keeps tensors for backward, by name. May be called once, in `forward`. */
  save(tensors: Readonly<Record<string, Tensor>>): void;
}

export interface CustomFunction<I extends readonly Tensor[]> {
  readonly name: string;
  /** Computes the result. Its ops are not recorded. */
  forward(context: FunctionContext, ...inputs: I): Tensor;
  /** The gradient of each input, in order; `undefined` for those that need none. Recorded under `createGraph`. */
  backward(saved: Readonly<Record<string, Tensor>>, grad: Tensor): readonly (Tensor | undefined)[];
}

/**
 * A differentiable function with a backward pass of its own (`torch.autograd.Function`).
 *
 * @returns the function, to be called with tensors.
 */
export function customFunction<const I extends readonly Tensor[]>(
  definition: CustomFunction<I>,
): (...inputs: I) => Tensor {
  return (...inputs) => {
    let saved: Readonly<Record<string, Tensor>> = {};
    const context: FunctionContext = {
      save(tensors) {
        saved = tensors;
      },
    };
    const recording = currentLayers().autograd !== undefined && inputs.some(({ requiresGrad }) => requiresGrad);
    const result = withLayers({ autograd: undefined }, () => definition.forward(context, ...inputs));
    const out = inputs.includes(result) ? result.detach() : result;
    if (recording) new FunctionNode(definition as CustomFunction<never>, inputs, out, saved);
    return out;
  };
}

class FunctionNode extends GradNode {
  readonly #backward: CustomFunction<never>['backward'];
  /** Whether the forward pass was cast, which the backward pass is not. */
  readonly #wasCast: boolean = currentLayers().autocast !== undefined;

  constructor(
    { name, backward }: CustomFunction<never>,
    inputs: readonly Tensor[],
    out: Tensor,
    saved: Readonly<Record<string, Tensor>>,
  ) {
    super(
      name,
      inputs.map(({ slot }): GradSlot => slot),
      [out.slot],
      Object.entries(saved),
    );
    this.#backward = backward;
  }

  override backward([grad]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    const gradients = this.#run(grad as Tensor);
    if (gradients.length !== this.inputs.length) {
      throw new TensorError(
        'invalid-argument',
        `${this.name}: backward returned ${gradients.length} gradients for ${this.inputs.length} inputs. Return undefined for those that need none.`,
      );
    }
    return gradients;
  }

  #run(grad: Tensor): readonly (Tensor | undefined)[] {
    try {
      return this.#backward(this.unpack(), grad);
    } catch (error) {
      if (!(this.#wasCast && error instanceof TensorError && error.code === 'dtype-mismatch')) throw error;
      throw new TensorError(
        error.code,
        `${this.name}: its forward pass ran under autocast, its backward pass does not, and mixes dtypes: ${error.message} Make it with autocastFunction instead of customFunction.`,
        { cause: error },
      );
    }
  }
}
