import { type HalfDType, TensorError } from '@halfgrad/core';
import type { AutocastOptions } from './autocast.ts';
import { hasRunningStatistics, type TrainableModel } from './precision-model.ts';
import { PreparedModel } from './prepared-model.ts';
import type { GradScalerOptions } from './scaler-options.ts';

/** What a precision does to a model; the columns of AMP.md E3 and E4. */
interface PrecisionRecipe {
  /** The dtype that an autocast region around the forward pass lowers to. */
  readonly region: HalfDType | undefined;
  /** The dtype that parameters and buffers are cast to. */
  readonly weights: HalfDType | undefined;
  /** Whether modules with running statistics stay in float32. */
  readonly keepsNorms: boolean;
  /** Whether the optimizer updates float32 copies of the parameters. */
  readonly masters: boolean;
  /** Whether losses are scaled. */
  readonly scales: boolean;
}

const plain: PrecisionRecipe = {
  region: undefined,
  weights: undefined,
  keepsNorms: false,
  masters: false,
  scales: false,
};

/** The names of Lightning's precision plug-ins (AMP.md E3), and `manual-16` for the recipe by hand (E4). */
export type PrecisionName = '32-true' | '16-mixed' | 'bf16-mixed' | '16-true' | 'bf16-true' | 'manual-16';

const recipes: { readonly [N in PrecisionName]: PrecisionRecipe } = {
  '32-true': plain,
  // Mixed precision as the tutorials know it.
  '16-mixed': { ...plain, region: 'float16', scales: true },
  // The range of bfloat16 needs no loss scale.
  'bf16-mixed': { ...plain, region: 'bfloat16' },
  // Apex O3, unscaled: updates below half a unit in the last place of a weight are lost.
  '16-true': { ...plain, weights: 'float16' },
  'bf16-true': { ...plain, weights: 'bfloat16' },
  // Apex O2 (Micikevicius et al. 2018).
  'manual-16': { ...plain, weights: 'float16', keepsNorms: true, masters: true, scales: true },
};

export interface PrecisionOptions {
  /** The loss scale's, where the precision has one; `enabled: false` trains without. */
  readonly scaler?: GradScalerOptions;
  /** Of the autocast region, where the precision has one. */
  readonly autocast?: Pick<AutocastOptions, 'policy' | 'overrides' | 'cacheEnabled'>;
  /** Modules that stay in float32 where the model is cast; by default batch norms in `manual-16`, none in others. */
  readonly keepFloat32?: (module: object) => boolean;
}

/** A way to train, as a value: with it, the training loop is the same in all of them. */
export interface Precision {
  readonly name: PrecisionName;
  /** Casts the model, in its place, as the precision wants it. Make the optimizer of what this returns. */
  prepare<Inputs extends readonly unknown[], Output>(
    model: TrainableModel<Inputs, Output>,
  ): PreparedModel<Inputs, Output>;
}

/** All names that `precision` knows. */
export const precisionNames: readonly PrecisionName[] = Object.keys(recipes) as PrecisionName[];

/**
 * How to train, by name.
 *
 *     const training = precision('16-mixed').prepare(model);
 *     const optimizer = new SGD(training.namedParameters(), { lr: 0.1 });
 *     for (const { x, y } of batches) {
 *       optimizer.zeroGrad();
 *       training.backward(crossEntropy(training.forward(x), y));
 *       training.step(optimizer);
 *     }
 *
 * @throws TensorError `invalid-argument` for another name, or for a loss scale where the precision has none (E3).
 */
export function precision(name: PrecisionName, options: PrecisionOptions = {}): Precision {
  if (!Object.hasOwn(recipes, name)) {
    throw new TensorError('invalid-argument', `precision: "${name}" is none of ${precisionNames.join(', ')}`);
  }
  const recipe: PrecisionRecipe = recipes[name];
  if (options.scaler && !recipe.scales) {
    throw new TensorError(
      'invalid-argument',
      `precision: ${name} has no loss scale. Leave out scaler, or use 16-mixed or manual-16.`,
    );
  }
  return {
    name,
    prepare: (model) =>
      new PreparedModel(model, {
        weights: recipe.weights,
        keepFloat32: options.keepFloat32 ?? (recipe.keepsNorms ? hasRunningStatistics : () => false),
        hasMasters: recipe.masters,
        region: recipe.region ? { ...options.autocast, dtype: recipe.region } : { enabled: false },
        scaler: recipe.scales ? { ...options.scaler } : { enabled: false },
      }),
  };
}
