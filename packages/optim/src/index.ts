export { Adam, type AdamOptions, AdamW } from './adam.ts';
export { type ClipGradNormOptions, clipGradNorm, clipGradValue } from './clip-grad.ts';
export {
  type GroupInput,
  type NamedTensor,
  Optimizer,
  type ParamGroup,
  type ParamState,
  type ParamStep,
  type ParamsInput,
  type StepOptions,
} from './optimizer.ts';
export { SGD, type SGDOptions } from './sgd.ts';
export type { OptimizerStateDict, SavedGroup } from './state-dict.ts';
