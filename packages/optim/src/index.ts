export { Adam, type AdamOptions, AdamW } from './adam.ts';
export { type ClipGradNormOptions, clipGradNorm, clipGradValue } from './clip-grad.ts';
export { Optimizer, type OptimizerOptions, type ParamState, type ParamStep, type StepOptions } from './optimizer.ts';
export type { GroupInput, NamedTensor, ParamGroup, ParamsInput } from './param-groups.ts';
export type { CompensatedState, Rounding, RoundingOptions } from './rounding.ts';
export { SGD, type SGDOptions } from './sgd.ts';
export type { OptimizerStateDict, SavedGroup } from './state-dict.ts';
