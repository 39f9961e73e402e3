import {
  currentLayers,
  type HalfDType,
  type Layer,
  type OpCall,
  type OpName,
  type Result,
  type Tensor,
} from '@halfgrad/core';
import { CastCache } from './cast-cache.ts';
import { castRules } from './cast-rules.ts';
import type { PolicyTable } from './policy.ts';

/** What is true of every op inside an autocast region. */
export interface Region {
  readonly dtype: HalfDType;
  readonly policy: PolicyTable;
  readonly cache: CastCache;
  readonly cacheEnabled: boolean;
}

/** A layer that remembers its region, so that an inner region finds the cache of the outer one. */
interface AutocastLayer extends Layer {
  readonly region: Region;
}

/** The innermost enabled region around this point of the program. */
function currentRegion(): Region | undefined {
  return (currentLayers().autocast as AutocastLayer | undefined)?.region;
}

/** A layer that treats every op as the region's policy says; it shares the casts of the region around it. */
export function createAutocastLayer(settings: Omit<Region, 'cache'>): Layer {
  const region: Region = { ...settings, cache: currentRegion()?.cache ?? new CastCache() };
  const { policy } = region;
  const layer: Layer = (next) => {
    return <K extends OpName>(call: OpCall<K>): Result<K, Tensor> => castRules[policy[call.op]](next, call, region);
  };
  return Object.assign(layer, { region });
}

/** Whether ops are being cast right now (`torch.is_autocast_enabled`, AMP.md A7.11). */
export function isAutocastEnabled(): boolean {
  return currentRegion() !== undefined;
}

/** The 16-bit dtype of the innermost enabled region (`torch.get_autocast_dtype`), if there is one. */
export function autocastDType(): HalfDType | undefined {
  return currentRegion()?.dtype;
}

/** Whether parameters are cast once per region (`torch.is_autocast_cache_enabled`). */
export function isAutocastCacheEnabled(): boolean {
  return currentRegion()?.cacheEnabled ?? false;
}

/** Forgets the 16-bit copies of parameters made so far, to give their memory back early (`torch.clear_autocast_cache`). */
export function clearAutocastCache(): void {
  currentRegion()?.cache.clear();
}
