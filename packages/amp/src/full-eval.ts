import { type HalfDType, noGrad, type Tensor, TensorError } from '@halfgrad/core';
import { type EvaluableModel, hasRunningStatistics } from './precision-model.ts';
import { castFloats, widenHalves } from './tensor-tree.ts';

export interface FullEvalOptions {
  /** The dtype of modules with running statistics: they can stay in float32 and still take 16-bit inputs (AMP.md A4.3). */
  readonly normStatistics?: 'half' | 'float32';
}

/**
 * Evaluates a model with all its weights in 16 bit, which halves their memory (`fp16_full_eval` of Hugging Face's Trainer,
 * AMP.md E1.1), and then puts back the tensors that were there, which the Trainer does not (E1.2). There is no autocast.
 *
 *     const accuracy = fullEval(model, 'float16', (forward) => accuracyOf(test, forward));
 *
 * Meanwhile the model is in evaluation mode. `forward` records nothing, casts floating-point inputs, and widens outputs to
 * float32, so that losses and metrics are not computed in 16 bit (E1.4, E1.8).
 *
 * @returns what `body` returns; a promise is waited for before the model is restored.
 */
export function fullEval<Inputs extends readonly unknown[], Output, R>(
  model: EvaluableModel<Inputs, Output>,
  dtype: HalfDType,
  body: (forward: (...inputs: Inputs) => Output) => R,
  { normStatistics = 'half' }: FullEvalOptions = {},
): R {
  const restoreMode = evaluating(model);
  const restoreDType = model.convert(dtype, { except: normStatistics === 'half' ? () => false : hasRunningStatistics });
  const restore = (): void => {
    restoreDType();
    restoreMode();
  };
  let isPending = false;
  try {
    const result = body((...inputs) => noGrad(() => widenHalves(model.forward(...castFloats(inputs, dtype)))));
    if (!(result instanceof Promise)) return result;
    isPending = true;
    return result.finally(restore) as R;
  } finally {
    if (!isPending) restore();
  }
}

/** How far a model in 16 bit is from itself in float32. */
export interface DriftReport {
  readonly dtype: HalfDType;
  /** Of the outputs; infinite or NaN if one is in 16 bit. */
  readonly maxAbsDifference: number;
  readonly meanAbsDifference: number;
  /** Outputs that are finite in float32 and not in 16 bit. */
  readonly overflowed: number;
  /** How many rows of the outputs have their maximum elsewhere, and how many there are. */
  readonly changedPredictions: number;
  readonly predictions: number;
}

/**
 * Evaluates a model in its own dtype and in 16 bit on the same inputs, and compares outputs and predictions, the positions
 * of the maximum along the last dimension (AMP.md E1.8).
 *
 * @throws TensorError `invalid-argument` without inputs.
 */
export async function measureDrift(
  model: EvaluableModel<[x: Tensor], Tensor>,
  dtype: HalfDType,
  inputs: Iterable<Tensor>,
  options: FullEvalOptions = {},
): Promise<DriftReport> {
  const batches = Array.from(inputs);
  if (batches.length === 0) throw new TensorError('invalid-argument', 'measureDrift: there are no inputs');
  const restoreMode = evaluating(model);
  try {
    const wide = await outputsOf(batches, (x) => noGrad(() => model.forward(x)));
    const half = await fullEval(model, dtype, (forward) => outputsOf(batches, forward), options);
    return compare(dtype, wide, half);
  } finally {
    restoreMode();
  }
}

/** Rows of outputs. */
type Rows = readonly (readonly number[])[];

async function outputsOf(batches: readonly Tensor[], forward: (x: Tensor) => Tensor): Promise<Rows> {
  const rows: number[][] = [];
  for (const x of batches) {
    const out = forward(x);
    const width = out.shape.at(-1) ?? 1;
    const values = Array.from(await out.data(), Number);
    for (let start = 0; start < values.length; start += width) rows.push(values.slice(start, start + width));
  }
  return rows;
}

function compare(dtype: HalfDType, wide: Rows, half: Rows): DriftReport {
  const pairs = wide.flatMap((row, i) => row.map((value, j) => [value, half[i]?.[j] as number] as const));
  const differences = pairs.map(([a, b]) => (Object.is(a, b) ? 0 : Math.abs(a - b)));
  return {
    dtype,
    maxAbsDifference: differences.reduce((max, d) => (d > max || Number.isNaN(d) ? d : max), 0),
    meanAbsDifference: differences.reduce((sum, d) => sum + d, 0) / differences.length,
    overflowed: pairs.filter(([a, b]) => Number.isFinite(a) && !Number.isFinite(b)).length,
    changedPredictions: wide.filter((row, i) => argmax(row) !== argmax(half[i] as readonly number[])).length,
    predictions: wide.length,
  };
}

function argmax(row: readonly number[]): number {
  return row.reduce((best, value, i) => (value > (row[best] as number) ? i : best), 0);
}

/** Switches to evaluation mode, and returns the way back: modules may have been in different modes. */
function evaluating(model: EvaluableModel<never, unknown>): () => void {
  const modes = Array.from(model.modules(), (module) => [module, module.training] as const);
  for (const [module] of modes) module.training = false;
  return () => {
    for (const [module, training] of modes) module.training = training;
  };
}
