import { type Tensor, TensorError } from '@halfgrad/core';

/**
 * Refuses gradients that still carry a loss scale (AMP.md B7.1). Looks at marks, never at the device.
 *
 * @throws TensorError `scaled-gradients` with the scale, where it can be read without waiting, and the first parameter.
 */
export function requireUnscaled(op: string, named: Iterable<readonly [string, Tensor]>, fix: string): void {
  const scaled = [];
  for (const [name, { grad }] of named) {
    const mark = grad?.lossScale;
    if (mark !== undefined && mark !== 'unscaled') scaled.push({ name, mark });
  }
  const [first] = scaled;
  if (!first) return;
  const value = first.mark.read();
  throw new TensorError(
    'scaled-gradients',
    `${op}: gradients still carry a loss scale${value === undefined ? '' : ` of ${value}`} (${scaled.length} parameters, first "${first.name}"). ${fix}`,
  );
}
