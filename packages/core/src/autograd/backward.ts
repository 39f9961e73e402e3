import { withLayers } from '../dispatch/layers.ts';
import { add, cast, clone } from '../functional/elementwise.ts';
import { expand, reshape } from '../functional/movement.ts';
import { sum } from '../functional/reduction.ts';
import { isFloat } from '../spec/dtype.ts';
import { argumentError, TensorError } from '../spec/errors.ts';
import { sameShape } from '../spec/shape.ts';
import { showSpec } from '../spec/spec.ts';
import type { Block } from '../tensor/device.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type GradNode, type GradSlot, type LossScaleMark, reachableNodes } from './graph.ts';
import { record } from './record.ts';

export interface BackwardOptions {
  /** Keeps what the graph has saved, so that it can be walked again. Implied by `createGraph`. */
  readonly retainGraph?: boolean;
  /** Records the backward pass itself, so that gradients can be differentiated. */
  readonly createGraph?: boolean;
}

/**
 * Reverse-mode differentiation: adds ∂root/∂leaf to `.grad` of every leaf that `root` depends on.
 *
 * Gradients are computed in the dtypes that the forward pass chose, whatever region surrounds the call (AMP.md A9.1), and
 * accumulated in the leaf's dtype (A9.3).
 *
 * @param gradient the gradient of `root`; needed unless `root` has one element.
 * @throws TensorError `graph-released` when the graph was walked before without `retainGraph`; `mixed-loss-scales` when a
 *   gradient that is there already carries another loss scale than this one would.
 */
export function backward(root: Tensor, gradient?: Tensor, options: BackwardOptions = {}): void {
  if (!root.requiresGrad) {
    throw argumentError(
      'not-differentiable',
      'backward',
      'the tensor does not require a gradient',
      { root },
      'Nothing it was computed from has requiresGrad set, or it was computed under noGrad.',
    );
  }
  const { grads, lossScale } = walk([root], [gradient], options);
  const stored = [...grads].filter(([slot]) => !slot.origin || slot.retainsGrad);
  for (const [slot] of stored) requireOneScale(slot, lossScale);
  const taken = new Set<Block>(gradient ? [gradient.storage.block] : []);
  for (const [slot, grad] of stored) {
    const mark = slot.grad?.lossScale ?? lossScale;
    accumulate(slot, grad, taken, options).lossScale = mark;
  }
}

export interface GradOptions extends BackwardOptions {
  /** The gradients of the outputs; needed for those with more than one element. */
  readonly gradOutputs?: readonly (Tensor | undefined)[];
  /** Gives `undefined` for inputs that the outputs do not depend on, instead of throwing. */
  readonly allowUnused?: boolean;
}

/**
 * ∂outputs/∂inputs, without touching `.grad` (`torch.autograd.grad`).
 *
 * @throws TensorError `not-differentiable` for an input that the outputs do not depend on, unless `allowUnused`.
 */
export function grad(outputs: Tensor | readonly Tensor[], inputs: Tensor, options?: GradOptions): Tensor;
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradOptions & { readonly allowUnused: true },
): (Tensor | undefined)[];
export function grad(outputs: Tensor | readonly Tensor[], inputs: readonly Tensor[], options?: GradOptions): Tensor[];
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
): Tensor | (Tensor | undefined)[] {
  const roots = listOf(outputs);
  const targets = listOf(inputs);
  for (const input of targets) {
    if (!input.requiresGrad) {
      throw argumentError(
        'not-differentiable',
        'grad',
        'an input does not require a gradient',
        { input },
        'Set requiresGrad before using it.',
      );
    }
  }
  const { grads } = walk(
    roots,
    options.gradOutputs ?? [],
    options,
    targets.map(({ slot }) => slot),
  );
  const found = targets.map((input) => {
    const gradient = grads.get(input.slot);
    if (!gradient && !options.allowUnused) {
      throw argumentError(
        'not-differentiable',
        'grad',
        'the outputs do not depend on an input',
        { input },
        'Pass allowUnused to get undefined instead.',
      );
    }
    return gradient;
  });
  return Array.isArray(inputs) ? found : (found[0] as Tensor);
}

function listOf(tensors: Tensor | readonly Tensor[]): readonly Tensor[] {
  return Array.isArray(tensors) ? (tensors as readonly Tensor[]) : [tensors as Tensor];
}

/** Walks the graph once. The gradients of all leaves, of retained tensors and of `wanted` slots. */
function walk(
  roots: readonly Tensor[],
  seeds: readonly (Tensor | undefined)[],
  { createGraph = false, retainGraph = createGraph }: BackwardOptions,
  wanted: readonly GradSlot[] = [],
): { readonly grads: Map<GradSlot, Tensor>; readonly lossScale: LossScaleMark | undefined } {
  const keep = new Set(wanted);
  const grads = new Map<GradSlot, Tensor>();
  let lossScale: LossScaleMark | undefined;
  withLayers({ observe: undefined, autocast: undefined, autograd: createGraph ? record : undefined }, () => {
    roots.forEach((root, i) => {
      contribute(grads, root.slot, seed(root, seeds[i]));
    });
    const nodes = reachableNodes(roots.map(({ slot }) => slot));
    lossScale = scaleIn(nodes);
    for (const node of nodes) {
      const outputGrads = node.outputs.map((slot) => settle(grads, slot, keep));
      if (outputGrads.every((g) => g === undefined)) continue;
      node.backward(outputGrads).forEach((gradient, j) => {
        const slot = node.inputs[j] as GradSlot;
        if (gradient && slot.requiresGrad) contribute(grads, slot, gradient);
      });
    }
    for (const [slot, gradient] of grads) if (!slot.origin) grads.set(slot, hooked(slot, gradient));
    if (!retainGraph) for (const node of nodes) node.release();
  });
  return { grads, lossScale };
}

/** The loss scale of whatever was computed from a scaled loss. */
function scaleIn(nodes: readonly GradNode[]): LossScaleMark | undefined {
  for (const { outputs } of nodes) for (const { lossScale } of outputs) if (lossScale) return lossScale;
  return undefined;
}

/** Sums of gradients with different scales cannot be unscaled. A gradient that was set by hand carries none. */
function requireOneScale(slot: GradSlot, lossScale: LossScaleMark | undefined): void {
  const existing = slot.grad?.lossScale;
  if (existing === undefined || existing === (lossScale ?? 'unscaled')) return;
  const problem =
    existing === 'unscaled' ? 'was already unscaled' : `carries ${lossScale ? 'another' : 'a'} loss scale`;
  throw new TensorError(
    'mixed-loss-scales',
    `backward: the gradient of ${showSpec(slot)} ${problem}, and this loss carries ${lossScale ? 'one of its own' : 'none'}: their sum would mix scales. Scale the loss of every micro-batch, unscale and update only after the last, and call zeroGrad() before the first.`,
  );
}

/** The complete gradient of a node's output, after its hooks; forgotten unless somebody wants it. */
function settle(grads: Map<GradSlot, Tensor>, slot: GradSlot, keep: ReadonlySet<GradSlot>): Tensor | undefined {
  const total = grads.get(slot);
  if (!total) return undefined;
  const gradient = cast(hooked(slot, total), slot.gradDType);
  if (keep.has(slot) || slot.retainsGrad) grads.set(slot, gradient);
  else grads.delete(slot);
  return gradient;
}

function hooked(slot: GradSlot, gradient: Tensor): Tensor {
  let current = gradient;
  for (const hook of slot.hooks ?? []) current = hook(current) ?? current;
  return current;
}

function contribute(grads: Map<GradSlot, Tensor>, slot: GradSlot, gradient: Tensor): void {
  const fitted = fit(gradient, slot);
  const soFar = grads.get(slot);
  grads.set(slot, soFar ? add(soFar, fitted) : fitted);
}

/** Undoes broadcasting and promotion: sums and casts `gradient` to the slot it belongs to. */
function fit(gradient: Tensor, { shape, gradDType }: GradSlot): Tensor {
  const added = gradient.shape.length - shape.length;
  const dims = gradient.shape.flatMap((size, dim) =>
    dim < added || (shape[dim - added] === 1 && size !== 1) ? [dim] : [],
  );
  const summed = dims.length > 0 ? sum(gradient, dims, { keepDim: true }) : gradient;
  return cast(sameShape(summed.shape, shape) ? summed : reshape(summed, shape), gradDType);
}

function seed(root: Tensor, gradient: Tensor | undefined): Tensor {
  if (!isFloat(root.dtype))
    throw argumentError('not-differentiable', 'backward', 'gradients need a floating-point tensor', { root });
  if (!gradient) {
    if (root.size !== 1) {
      throw argumentError(
        'invalid-argument',
        'backward',
        'a gradient can only be implied for one element',
        { root },
        'Reduce it with sum() or mean(), or pass a gradient of its shape.',
      );
    }
    return expand(cast(root.number(1), root.dtype), root.shape);
  }
  if (!sameShape(gradient.shape, root.shape)) {
    throw argumentError('shape-mismatch', 'backward', 'the gradient needs the shape of the tensor', { root, gradient });
  }
  return gradient;
}

/** Adds to `.grad`. Gradients are unscaled in place, so each owns its memory: `taken` is what others hold already. */
function accumulate(
  slot: GradSlot,
  gradient: Tensor,
  taken: Set<Block>,
  { createGraph = false }: BackwardOptions,
): Tensor {
  const total = withLayers(
    { observe: undefined, autocast: undefined, autograd: createGraph ? record : undefined },
    () => {
      const sum = cast(slot.grad ? add(slot.grad, gradient) : gradient, slot.dtype);
      return taken.has(sum.storage.block) ? clone(sum) : sum;
    },
  );
  taken.add(total.storage.block);
  slot.grad?.unkeep();
  slot.grad = total.keep();
  return total;
}
