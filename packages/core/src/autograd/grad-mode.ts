import { currentLayers, withLayers } from '../dispatch/layers.ts';
import { record } from './record.ts';

/** Runs `body` without recording: its results need no gradient (`torch.no_grad`). */
export function noGrad<R>(body: () => R): R {
  return withLayers({ autograd: undefined }, body);
}

/** Runs `body` with recording on, also inside `noGrad` (`torch.enable_grad`). */
export function enableGrad<R>(body: () => R): R {
  return withLayers({ autograd: record }, body);
}

export function isGradEnabled(): boolean {
  return currentLayers().autograd !== undefined;
}
