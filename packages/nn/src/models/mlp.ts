import { ReLU } from '../layers/activation.ts';
import { Flatten } from '../layers/flatten.ts';
import { Linear } from '../layers/linear.ts';
import type { LayerOptions } from '../layers/options.ts';
import { Sequential } from '../layers/sequential.ts';

/** A multi-layer perceptron on flattened inputs: linear layers of the given `sizes` with rectifiers between them. */
export function mlp(sizes: readonly number[], options: LayerOptions = {}): Sequential {
  const layers = sizes.slice(1).map((size, i) => new Linear(sizes[i] as number, size, options));
  return new Sequential(new Flatten(), ...layers.flatMap((layer, i) => (i === 0 ? [layer] : [new ReLU(), layer])));
}
