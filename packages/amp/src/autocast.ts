import {
  cast,
  currentLayers,
  type DType,
  enableGrad,
  type HalfDType,
  isFloat,
  isHalf,
  type Layer,
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
import { CastCache } from './cast-cache.ts';
import { acceleratorPolicy, type CastPolicy } from './policy.ts';

export interface AutocastOptions {
  /** The 16-bit dtype that matmul-like ops run in. */
  readonly dtype?: HalfDType;
  /** `false` runs `body` as written, also inside another region (AMP.md A7.8). */
  readonly enabled?: boolean;
  /** Whether a parameter used several times is cast once (AMP.md A8). */
  readonly cacheEnabled?: boolean;
}

/** A layer that remembers its region, so that an inner region finds the cache of the outer one. */
interface AutocastLayer extends Layer {
  readonly region?: Region;
}

interface Region {
  readonly dtype: HalfDType;
  readonly cache: CastCache;
  readonly cacheEnabled: boolean;
}

/**
 * Runs `body` with every op in the dtype its cast policy asks for (`torch.autocast`).
 *
 * Wrap the forward pass including the loss; call backward outside: it runs in the dtypes that forward chose (AMP.md A7.12,
 * A9.1). Regions nest, and an inner one overrides the outer one until it ends.
 *
 * @returns what `body` returns; results keep the dtypes they got (A1.6).
 * @throws TensorError `async-callback` when `body` returns a promise; `unsafe-op` for an op the policy bans.
 */
export function autocast<R>(options: AutocastOptions, body: () => R): R {
  const { dtype = 'float16', enabled = true, cacheEnabled = true } = options;
  if (!enabled) return withLayers({ autocast: undefined }, body);
  if (!isHalf(dtype)) {
    throw new TensorError('invalid-argument', `autocast: dtype must be float16 or bfloat16, got ${dtype as string}`);
  }
  const outer = enclosingRegion();
  return withLayers({ autocast: autocastLayer({ dtype, cacheEnabled, cache: outer?.cache ?? new CastCache() }) }, body);
}

function enclosingRegion(): Region | undefined {
  return (currentLayers().autocast as AutocastLayer | undefined)?.region;
}

/** Whether ops are being cast right now (`torch.is_autocast_enabled`). */
export function isAutocastEnabled(): boolean {
  return enclosingRegion() !== undefined;
}

/** The dtype of the innermost enabled region (`torch.get_autocast_dtype`), if there is one. */
export function autocastDType(): HalfDType | undefined {
  return enclosingRegion()?.dtype;
}

function autocastLayer(region: Region): Layer {
  const layer: Layer = (next) => {
    return <K extends OpName>(call: OpCall<K>): Result<K, Tensor> =>
      rules[acceleratorPolicy[call.op]](next, call, region);
  };
  return Object.assign(layer, { region });
}

/** How one policy passes a call on. */
type Rule = <K extends OpName>(next: Run, call: OpCall<K>, region: Region) => Result<K, Tensor>;

const rules: { readonly [P in CastPolicy]: Rule } = {
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
function isEligible({ dtype, isNumber }: Tensor): boolean {
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
