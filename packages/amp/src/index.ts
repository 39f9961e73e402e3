export { type AutocastOptions, autocast, autocastDType, isAutocastEnabled } from './autocast.ts';
export { GradScaler, type GradScalerState, type ScalableOptimizer } from './grad-scaler.ts';
export { acceleratorPolicy, type CastPolicy, type PolicyTable } from './policy.ts';
export type { GradScalerOptions } from './scaler-options.ts';
export { type NonFinite, StepResult } from './step-result.ts';
