import { type Tensor, TensorError } from '@halfgrad/core';

/** What the scaler needs to know of an optimizer; `O` is what its step takes. */
export interface ScalableOptimizer<O extends object = object> {
  /** The parameters with their names, for error messages and reports. */
  namedParameters(): Iterable<readonly [string, Tensor]>;
  /** Updates the parameters from their gradients; with a `foundInf` that is not zero it must change nothing at all. */
  step(options?: O & { readonly foundInf?: Tensor }): void;
}

/** A parameter that has a gradient. */
export interface NamedGradient {
  readonly name: string;
  readonly param: Tensor;
  readonly grad: Tensor;
}

export function gradientsOf(optimizer: ScalableOptimizer): NamedGradient[] {
  return Array.from(optimizer.namedParameters()).flatMap(([name, param]) =>
    param.grad ? [{ name, param, grad: param.grad }] : [],
  );
}

/** A closure would evaluate the loss again, at another scale; PyTorch notices only the keyword (AMP.md B4.2). */
export function refuseClosure(args: readonly unknown[]): void {
  const values = args.flatMap((arg) => [arg, ...(typeof arg === 'object' && arg !== null ? Object.values(arg) : [])]);
  if (!values.some((value) => typeof value === 'function')) return;
  throw new TensorError(
    'unsupported',
    'GradScaler.step: a closure would compute gradients that nobody scales or checks. Compute them first, or use an optimizer that needs none.',
  );
}
