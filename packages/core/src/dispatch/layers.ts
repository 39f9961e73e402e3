import type { Args, Attrs, Inputs, OpName, Result } from '../ops/signatures.ts';
import { TensorError } from '../spec/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** One call of one op, on its way down through the layers. */
export interface OpCall<K extends OpName = OpName> {
  readonly op: K;
  readonly inputs: Inputs<K, Tensor>;
  readonly attrs: Attrs<K>;
}

export type Run = <K extends OpName>(call: OpCall<K>) => Result<K, Tensor>;

/** A layer may only call downwards, so it never meets itself: no re-entrancy guards anywhere. */
export type Layer = (next: Run) => Run;

/** Outermost first. Autocast is above autograd so that its casts are recorded (AMP.md A1.3). */
export const layerOrder = ['observe', 'autocast', 'autograd'] as const;
export type Slot = (typeof layerOrder)[number];
/** `undefined` switches a layer off. */
export type Layers = { readonly [S in Slot]?: Layer | undefined };

let bottom: Run = () => {
  throw new TensorError('no-device', 'no executor installed: import the package by its entry point');
};
let active: Layers = {};
let run: Run = bottom;

function activate(layers: Layers): void {
  active = layers;
  run = layerOrder.reduceRight<Run>((next, slot) => layers[slot]?.(next) ?? next, bottom);
}

/** @internal Called once, by the module that knows how to execute. */
export function install(executor: Run, layers: Layers): void {
  bottom = executor;
  activate(layers);
}

/** The layers in force, to be re-established later with `withLayers` (checkpointing, custom functions). */
export function currentLayers(): Layers {
  return active;
}

/**
 * Runs `body` with some layers replaced, then restores them, also when it throws.
 *
 * @throws TensorError `async-callback` when `body` returns a promise: what comes after its first `await` would run in
 *   whatever layers happen to be active then.
 */
export function withLayers<R>(layers: Layers, body: () => R): R {
  const previous = active;
  activate({ ...previous, ...layers });
  try {
    const result = body();
    if (isThenable(result)) {
      throw new TensorError(
        'async-callback',
        'the callback returned a promise. Regions are synchronous: await outside.',
      );
    }
    return result;
  } finally {
    activate(previous);
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** Sends a call to the outermost layer. */
export function dispatch<K extends OpName>(op: K, ...[inputs, attrs]: Args<K, Tensor>): Result<K, Tensor> {
  return run({ op, inputs: inputs as Inputs<K, Tensor>, attrs: attrs as Attrs<K> });
}
