import { type Layer, type OpCall, withLayers } from '../dispatch/layers.ts';
import { runDecomposition } from '../functional/decompose.ts';
import type { OpName, Result } from '../ops/signatures.ts';
import { isFloat } from '../spec/dtype.ts';
import { leaves, mapLeaves, type Tree } from '../spec/spec.ts';
import type { Tensor } from '../tensor/tensor.ts';
import { type Derivative, derivatives } from './derivatives.ts';
import { GradNode, type GradSlot } from './graph.ts';

/** Runs the op, then links its output to its inputs if a gradient may come back. */
export const record: Layer = (next) => {
  return <K extends OpName>(call: OpCall<K>): Result<K, Tensor> => {
    const inputs = call.inputs as NamedTensors;
    if (!leaves<Tensor>(inputs).some(({ requiresGrad }) => requiresGrad)) return next(call);
    const derivative = derivatives[call.op];
    if (derivative === 'not differentiable') return next(call);
    // The steps of the decomposition are recorded one by one; autocast has already had its say above.
    if (derivative === 'decomposed') {
      return withLayers({ observe: undefined, autocast: undefined }, () => runDecomposition(call));
    }
    const result = next(call);
    const outputs = namedOutputs(result as Tree<Tensor>);
    if (isFloat((outputs['out'] as Tensor).dtype)) {
      new OpNode(call.op, call.attrs, derivative as unknown as Derivative<never>, inputs, outputs);
    }
    return result;
  };
};

type NamedTensors = { readonly [name: string]: Tensor | readonly Tensor[] | undefined };
type NamedSlots = { readonly [name: string]: GradSlot | readonly GradSlot[] | undefined };

function namedOutputs(result: Tree<Tensor>): { readonly [name: string]: Tensor } {
  return (result && 'dtype' in result ? { out: result } : result) as { readonly [name: string]: Tensor };
}

function slotsOf(tensors: NamedTensors): NamedSlots {
  return mapLeaves<Tensor, GradSlot>(tensors, (tensor) => tensor.slot) as NamedSlots;
}

class OpNode extends GradNode {
  readonly #attrs: unknown;
  readonly #pullback: Derivative<never>['pullback'];
  readonly #inputSlots: NamedSlots;
  readonly #specs: NamedSlots;

  constructor(
    op: OpName,
    attrs: unknown,
    { saves, pullback }: Derivative<never>,
    inputs: NamedTensors,
    outputs: { readonly [name: string]: Tensor },
  ) {
    const inputSlots = slotsOf(inputs);
    const named: NamedTensors = { ...inputs, ...outputs };
    const saved = (saves as readonly string[]).flatMap((name) => {
      const tensor = named[name] as Tensor | undefined;
      return tensor ? [[name, tensor] as const] : [];
    });
    super(op, leaves<GradSlot>(inputSlots), [(outputs['out'] as Tensor).slot], saved);
    this.#attrs = attrs;
    this.#pullback = pullback;
    this.#inputSlots = inputSlots;
    this.#specs = { ...inputSlots, ...slotsOf(outputs) };
  }

  override backward([grad]: readonly (Tensor | undefined)[]): (Tensor | undefined)[] {
    const needs = Object.fromEntries(
      Object.entries(this.#inputSlots).map(([name, slots]) => [
        name,
        leaves<GradSlot>(slots).some(({ requiresGrad }) => requiresGrad),
      ]),
    );
    const scope = { ...this.unpack(), grad, attrs: this.#attrs, specs: this.#specs, needs };
    const gradients = this.#pullback(scope as never) as NamedTensors;
    return Object.entries(this.#inputSlots).flatMap(([name, slots]) => {
      const found = leaves<Tensor>(gradients[name]);
      return leaves<GradSlot>(slots).map((_, i) => found[i]);
    });
  }
}
