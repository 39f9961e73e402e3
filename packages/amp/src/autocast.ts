import { type HalfDType, isHalf, type Layers, TensorError, withLayers } from '@halfgrad/core';
import { definePolicy, type PolicyOverrides } from './policies.ts';
import { acceleratorPolicy, type PolicyTable } from './policy.ts';
import { createAutocastLayer } from './region.ts';

export interface AutocastOptions {
  /** The 16-bit dtype that matmul-like ops run in. */
  readonly dtype?: HalfDType;
  /** What each op does to its inputs. */
  readonly policy?: PolicyTable;
  /** Exceptions from the policy: `{ gelu: 'float32' }`. */
  readonly overrides?: PolicyOverrides;
  /** `false` runs the body as written, also inside another region (AMP.md A7.8). */
  readonly enabled?: boolean;
  /** Whether a parameter used several times is cast once (AMP.md A8). */
  readonly cacheEnabled?: boolean;
}

interface Autocast {
  /**
   * Runs `body` with every op in the dtype its cast policy asks for (`torch.autocast`).
   *
   * Wrap the forward pass including the loss; call backward outside: it runs in the dtypes that forward chose (AMP.md
   * A7.12, A9.1). Regions nest; an inner one stands for itself, with its own dtype and policy, until it ends.
   *
   * @returns what `body` returns; results keep the dtypes they got (A1.6).
   * @throws TensorError `async-callback` when `body` returns a promise; `unsafe-op` for an op the policy bans.
   */
  <R>(options: AutocastOptions, body: () => R): R;

  /**
   * A function that runs in a region of its own whenever it is called (`torch.autocast` as a decorator, AMP.md A7.10).
   *
   * A generator function is in the region from one `yield` to the next, and its caller is not while it is suspended.
   *
   * @throws TensorError `async-callback` for an async function, `invalid-argument` for what is no function.
   */
  wrap<This, Args extends readonly unknown[], R>(
    options: AutocastOptions,
    fn: (this: This, ...args: Args) => R,
  ): (this: This, ...args: Args) => R;
}

/** Automatic mixed precision for what happens in a callback. */
export const autocast: Autocast = /* @__PURE__ */ Object.assign(
  <R>(options: AutocastOptions, body: () => R): R => withLayers(regionOf(options), body),
  { wrap },
);

function regionOf({
  dtype = 'float16',
  policy = acceleratorPolicy,
  overrides,
  enabled = true,
  cacheEnabled = true,
}: AutocastOptions): Layers {
  if (!enabled) return { autocast: undefined };
  if (!isHalf(dtype)) {
    throw new TensorError(
      'invalid-argument',
      `autocast: dtype must be float16 or bfloat16, got ${dtype as string}. Use enabled: false for float32.`,
    );
  }
  const rows = overrides ? definePolicy(policy, overrides) : policy;
  return { autocast: createAutocastLayer({ dtype, policy: rows, cacheEnabled }) };
}

function wrap<This, Args extends readonly unknown[], R>(
  options: AutocastOptions,
  fn: (this: This, ...args: Args) => R,
): (this: This, ...args: Args) => R {
  const kind = kindOf(fn);
  if (kind === undefined) {
    throw new TensorError(
      'invalid-argument',
      `autocast.wrap: expected a function, got ${typeof fn}. For a value, use autocast(options, () => …).`,
    );
  }
  if (kind === 'async') {
    throw new TensorError(
      'async-callback',
      'autocast.wrap: the function is async, and what follows an await would run outside the region. Wrap the synchronous parts.',
    );
  }
  return function (this: This, ...args: Args): R {
    const region = regionOf(options);
    const result = withLayers(region, () => fn.apply(this, args as never));
    return kind === 'generator' ? (resumedIn(region, result as Generator) as R) : result;
  };
}

/** The generator itself, whose every step runs in the region. */
function resumedIn(region: Layers, generator: Generator): Generator {
  for (const method of ['next', 'return', 'throw'] as const) {
    const resume = generator[method].bind(generator) as (value?: unknown) => IteratorResult<unknown, unknown>;
    Object.defineProperty(generator, method, { value: (value?: unknown) => withLayers(region, () => resume(value)) });
  }
  return generator;
}

function kindOf(fn: unknown): 'plain' | 'generator' | 'async' | undefined {
  if (typeof fn !== 'function') return undefined;
  const tag = Object.prototype.toString.call(fn);
  if (tag.includes('Async')) return 'async';
  return tag.includes('Generator') ? 'generator' : 'plain';
}
