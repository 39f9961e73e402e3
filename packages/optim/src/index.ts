export { Adadelta, type AdadeltaOptions } from './adadelta.ts';
export { Adagrad, type AdagradOptions } from './adagrad.ts';
export { Adam, type AdamOptions, AdamW } from './adam.ts';
export { Adamax, type AdamaxOptions } from './adamax.ts';
export { ASGD, type ASGDOptions } from './asgd.ts';
export { type ClipGradNormOptions, clipGradNorm, clipGradValue } from './clip-grad.ts';
export { type After, type Before, FormulaOptimizer, type FormulaOptions } from './formula-optimizer.ts';
export { LAMB, type LAMBOptions } from './lamb.ts';
export { Lion, type LionOptions } from './lion.ts';
export {
  ExponentialMovingAverage,
  type MovingAverageOptions,
  type MovingAverageState,
} from './moving-average.ts';
export { NAdam, type NAdamOptions } from './nadam.ts';
export { Optimizer, type OptimizerOptions, type ParamState, type ParamStep, type StepOptions } from './optimizer.ts';
export type { GroupInput, NamedTensor, ParamGroup, ParamsInput } from './param-groups.ts';
export { RAdam, type RAdamOptions } from './radam.ts';
export { RMSprop, type RMSpropOptions } from './rmsprop.ts';
export type { CompensatedState, Rounding, RoundingOptions } from './rounding.ts';
export { Rprop, type RpropOptions } from './rprop.ts';
export { ChainedScheduler, SequentialLR } from './schedulers/combined.ts';
export { CosineAnnealingLR, CosineAnnealingWarmRestarts } from './schedulers/cosine.ts';
export { CyclicLR, type CyclicLROptions, type CyclicMode } from './schedulers/cyclic.ts';
export { ConstantLR, ExponentialLR, LinearLR, MultiStepLR, PolynomialLR, StepLR } from './schedulers/decay.ts';
export {
  type Factor,
  LambdaLR,
  MultiplicativeLR,
  type WarmupOptions,
  warmupCosine,
  warmupLinear,
} from './schedulers/lambda.ts';
export {
  LRScheduler,
  type PerGroup,
  type Schedule,
  type ScheduledGroup,
  type ScheduledOptimizer,
  type SchedulerState,
} from './schedulers/lr-scheduler.ts';
export { OneCycleLR, type OneCycleLROptions } from './schedulers/one-cycle.ts';
export { type PlateauOptions, type PlateauState, ReduceLROnPlateau } from './schedulers/plateau.ts';
export { SGD, type SGDOptions } from './sgd.ts';
export type { OptimizerStateDict, SavedGroup } from './state-dict.ts';
export type { StepOutcome } from './step-outcome.ts';
