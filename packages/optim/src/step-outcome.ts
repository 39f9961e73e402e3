/**
 * Whether an optimizer's step was taken, as the loss scaler's `step` reports it. What keeps pace with the optimizer stands
 * still when it was not (AMP.md B7.6).
 */
export interface StepOutcome {
  readonly stepped: boolean;
}

/** @internal A loop without a scaler has no outcome: its steps are all taken. */
export function wasTaken(outcome: StepOutcome | undefined): boolean {
  return outcome === undefined || outcome.stepped;
}
