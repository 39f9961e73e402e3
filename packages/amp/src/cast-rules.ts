import {
  cast,
  type DType,
  enableGrad,
  isFloat,
  isHalf,
  leaves,
  mapLeaves,
  type OpCall,
  type OpName,
  type Result,
  type Run,
  type Tensor,
  TensorError,
  type Tree,
  withLayers,
} from '@halfgrad/core';
import type { CastPolicy } from './policy.ts';
import type { Region } from './region.ts';

/** How one policy passes a call on. */
type CastRule = <K extends OpName>(next: Run, call: OpCall<K>, region: Region) => Result<K, Tensor>;

/** What each policy does to a call (AMP.md A1). */
export const castRules: { readonly [P in CastPolicy]: CastRule } = {
  lowerPrecision: (next, call, region) => next(withInputsCast(next, call, region.dtype, region)),
  float32: (next, call, region) => next(withInputsCast(next, call, 'float32', region)),
  float32Result(next, call) {
    const first = leaves(call.inputs as Tree<Tensor>)[0];
    const { dtype } = call.attrs as { dtype: DType | undefined };
    if (dtype !== undefined || !first || !isEligible(first)) return next(call);
    return next({ ...call, attrs: { ...(call.attrs as object), dtype: 'float32' } as typeof call.attrs });
  },
  promote(next, call, region) {
    const found = new Set(
      leaves(call.inputs as Tree<Tensor>)
        .filter(isEligible)
        .map(({ dtype }) => dtype),
    );
    const other = [...found].find((dtype) => isHalf(dtype) && dtype !== region.dtype);
    if (other) {
      throw new TensorError(
        'dtype-mismatch',
        `${call.op}: cannot promote ${other} under autocast to ${region.dtype}. Cast it to ${region.dtype} or float32 first.`,
      );
    }
    return next(withInputsCast(next, call, found.has('float32') ? 'float32' : region.dtype, region));
  },
  banned(_next, call) {
    throw new TensorError(
      'unsafe-op',
      `${call.op}: unsafe under autocast: in float16 a sigmoid above about 8.3 is exactly 1, so log(1 − p) is −∞. Use ${call.op}WithLogits(logits, target), or autocast({ enabled: false }, …) with float32 inputs.`,
    );
  },
  unchanged: (next, call) => next(call),
};

/** Floating point, not float64, and not the stand-in of a plain number (AMP.md A1.1). */
export function isEligible({ dtype, isNumber }: Tensor): boolean {
  return isFloat(dtype) && dtype !== 'float64' && !isNumber;
}

function withInputsCast<K extends OpName>(next: Run, call: OpCall<K>, dtype: DType, region: Region): OpCall<K> {
  const inputs = mapLeaves(call.inputs as Tree<Tensor>, (x) =>
    isEligible(x) && x.dtype !== dtype ? castBelow(next, x, dtype, region) : x,
  );
  return { ...call, inputs: inputs as typeof call.inputs };
}

/** Casts on the far side of autocast, where autograd records it. */
function castBelow(next: Run, x: Tensor, dtype: DType, { cache, cacheEnabled, dtype: lower }: Region): Tensor {
  const isCacheable = cacheEnabled && dtype === lower && x.dtype === 'float32' && x.requiresGrad && x.isLeaf;
  if (!isCacheable) return next({ op: 'cast', inputs: { x }, attrs: { dtype } });
  return cache.get(x, lower, () => {
    // Recorded even under noGrad: a later use in the same region must not lose the gradient (A8.5).
    const copy = enableGrad(() => withLayers({ autocast: undefined }, () => cast(x, dtype)));
    // Contributions of several uses are added in float32: 256 + 1 is 256 in bfloat16 (A8.6.4).
    copy.slot.gradDType = x.dtype;
    return copy;
  });
}
