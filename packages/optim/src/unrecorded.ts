import { scope, withLayers } from '@halfgrad/core';

/** Runs the arithmetic of an optimizer: neither recorded nor cast by a surrounding autocast, its temporaries freed. */
export function unrecorded(body: () => void): void {
  scope(() => withLayers({ autocast: undefined, autograd: undefined }, body));
}
