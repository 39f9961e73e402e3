export {
  type CheckScalerOptions,
  checkScaler,
  type PropertyOutcome,
  type ScalerReport,
} from './scaler-check/check-scaler.ts';
export { type ScalerMutant, scalerMutants } from './scaler-check/mutants/mutants.ts';
export { renderJunit, renderOutcome, renderSummary } from './scaler-check/render.ts';
export type { CheckedOptimizer, CheckedOptions, CheckedScaler, CreateScaler } from './scaler-check/scaler.ts';
export { openRemoteScaler, type RemoteScaler } from './scaler-check/stdio.ts';
