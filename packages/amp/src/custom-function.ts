import {
  type CustomFunction,
  cast,
  currentLayers,
  customFunction,
  type HalfDType,
  type Layers,
  type Tensor,
  withLayers,
} from '@halfgrad/core';
import { isEligible } from './cast-rules.ts';
import { isAutocastEnabled } from './region.ts';
import { mapTensors } from './tensor-tree.ts';

export interface CastInputsOptions {
  /** Inside a region: cast floating-point arguments to this dtype, and run with autocast off. */
  readonly castInputs?: HalfDType | 'float32' | undefined;
}

/**
 * A function that autocast treats as one op (`torch.amp.custom_fwd`, `torch.library.register_autocast`; AMP.md A10.2): inside
 * a region its floating-point arguments, also in nested arrays and plain objects, are cast and its body runs with autocast
 * off; outside of any it is `fn`.
 *
 *     const rotate = customForward({ castInputs: 'float32' }, (x: Tensor, angles: Tensor) => …);
 *
 * float64, integers and what is no tensor pass as they are.
 */
export function customForward<Args extends readonly unknown[], R>(
  { castInputs }: CastInputsOptions,
  fn: (...args: Args) => R,
): (...args: Args) => R {
  return (...args) => {
    if (castInputs === undefined || !isAutocastEnabled()) return fn(...args);
    return withLayers({ autocast: undefined }, () =>
      fn(...(mapTensors(args, (x) => (isEligible(x) ? cast(x, castInputs) : x)) as unknown as Args)),
    );
  };
}

/**
 * Like core's `customFunction`, for use under autocast: backward runs in the region, or without one, as forward did
 * (`torch.amp.custom_fwd` and `custom_bwd`; AMP.md A10.1–A10.4).
 *
 * With `castInputs`, inputs are cast inside a region, and both passes run with autocast off. Gradients come back in the
 * dtype that an input had before.
 */
export function autocastFunction<const I extends readonly Tensor[]>(
  definition: CustomFunction<I>,
  options: CastInputsOptions = {},
): (...inputs: I) => Tensor {
  return customForward(options, (...inputs: I): Tensor => {
    const region: Layers = { autocast: currentLayers().autocast };
    const run = customFunction<I>({
      ...definition,
      backward: (saved, grad) => withLayers(region, () => definition.backward(saved, grad)),
    });
    return run(...inputs);
  });
}
