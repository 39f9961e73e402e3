export { type AutocastOptions, autocast } from './autocast.ts';
export { GradScaler, type GradScalerState, type ScalableOptimizer } from './grad-scaler.ts';
export { cpuPolicy, definePolicy, type PolicyOverrides } from './policies.ts';
export { acceleratorPolicy, type CastPolicy, type PolicyTable } from './policy.ts';
export { autocastDType, clearAutocastCache, isAutocastCacheEnabled, isAutocastEnabled } from './region.ts';
export type { GradScalerOptions } from './scaler-options.ts';
export { type NonFinite, StepResult } from './step-result.ts';
