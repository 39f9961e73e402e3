import { TensorError } from '@halfgrad/core';
import { castRules } from './cast-rules.ts';
import { acceleratorPolicy, type PolicyTable } from './policy.ts';

/** The rows of a policy that differ from those of another. */
export type PolicyOverrides = Partial<PolicyTable>;

/**
 * A policy like `base` except for some ops: `definePolicy(acceleratorPolicy, { gelu: 'float32' })`.
 *
 * @throws TensorError `invalid-argument` for an op or a rule that does not exist.
 */
export function definePolicy(base: PolicyTable, overrides: PolicyOverrides): PolicyTable {
  for (const [op, rule] of Object.entries(overrides)) {
    if (!Object.hasOwn(base, op)) {
      throw new TensorError(
        'invalid-argument',
        `definePolicy: there is no op "${op}". Use the names of the ops table.`,
      );
    }
    if (!Object.hasOwn(castRules, rule)) {
      throw new TensorError(
        'invalid-argument',
        `definePolicy: "${rule}" for ${op} is no rule. Use one of ${Object.keys(castRules).join(', ')}.`,
      );
    }
  }
  return { ...base, ...overrides };
}

/**
 * The CPU policy of PyTorch 2.13 (AMP.md A3), as its differences from the accelerator's: sums, norms, exponentials and
 * softmax stay in 16 bit, where the kernels accumulate in float32 anyway; lists of tensors promote; nothing is banned.
 */
export const cpuPolicy: PolicyTable = /* @__PURE__ */ definePolicy(acceleratorPolicy, {
  exp: 'unchanged',
  expm1: 'unchanged',
  log: 'unchanged',
  log1p: 'unchanged',
  log2: 'unchanged',
  log10: 'unchanged',
  pow: 'unchanged',
  reciprocal: 'unchanged',
  rsqrt: 'unchanged',
  tan: 'unchanged',
  asin: 'unchanged',
  acos: 'unchanged',
  sinh: 'unchanged',
  cosh: 'unchanged',
  softplus: 'unchanged',
  layerNorm: 'unchanged',
  groupNorm: 'unchanged',
  rmsNorm: 'unchanged',
  logsumexp: 'unchanged',
  interpolate: 'unchanged',
  cosineSimilarity: 'unchanged',
  dist: 'unchanged',
  gaussianNllLoss: 'unchanged',
  sum: 'unchanged',
  norm: 'unchanged',
  cumsum: 'unchanged',
  cumprod: 'unchanged',
  softmax: 'unchanged',
  logSoftmax: 'unchanged',
  scatterAdd: 'unchanged',
  atan2: 'unchanged',
  addcmul: 'unchanged',
  addcdiv: 'unchanged',
  bilinear: 'unchanged',
  cross: 'unchanged',
  dot: 'unchanged',
  tensordot: 'lowerPrecision',
  concat: 'promote',
  binaryCrossEntropy: 'float32',
});
