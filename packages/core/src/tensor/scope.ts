import { type GradNode, reachableNodes } from '../autograd/graph.ts';
import type { Tensor } from './tensor.ts';

/** The tensors made since a scope was opened: those that end with it, and those that were claimed. */
export interface Scope {
  readonly made: Set<Tensor>;
  readonly kept: Set<Tensor>;
  readonly outer: Scope | undefined;
}

let current: Scope | undefined;

/** @internal Called for every new tensor. */
export function enterScope(tensor: Tensor): Scope | undefined {
  current?.made.add(tensor);
  return current;
}

/** @internal Takes a tensor out of its scope, which will not dispose of it any more. */
export function leaveScope(tensor: Tensor, scope: Scope | undefined): void {
  scope?.made.delete(tensor);
  scope?.kept.add(tensor);
}

/**
 * Runs `body` and disposes of every tensor made in it, except those it returns and those kept (`tensor.keep()`, gradients
 * of leaves, parameters, optimizer state).
 *
 * What a surviving tensor needs for backward survives with it. Scopes nest: what an inner one returns belongs to the
 * outer one. When `body` throws, everything it made is disposed of.
 */
export function scope<R>(body: () => R): R {
  const opened: Scope = { made: new Set(), kept: new Set(), outer: current };
  current = opened;
  let survivors: Tensor[] = [];
  try {
    const result = body();
    survivors = tensorsIn(result).filter((tensor) => opened.made.has(tensor));
    return result;
  } finally {
    current = opened.outer;
    close(opened, survivors);
  }
}

function close({ made, kept, outer }: Scope, survivors: readonly Tensor[]): void {
  for (const tensor of survivors) {
    made.delete(tensor);
    tensor.moveTo(outer);
    outer?.made.add(tensor);
  }
  const needed = new Set<GradNode>(reachableNodes([...survivors, ...kept].map(({ slot }) => slot)));
  for (const tensor of made) {
    const { origin } = tensor.slot;
    if (origin && !needed.has(origin)) origin.release();
    tensor.dispose();
  }
}

/** The tensors in a value, looking into arrays, maps, sets and plain objects. */
function tensorsIn(value: unknown, seen: Set<unknown> = new Set()): Tensor[] {
  if (typeof value !== 'object' || value === null || seen.has(value)) return [];
  seen.add(value);
  if (isTensor(value)) return [value];
  const members =
    value instanceof Map || value instanceof Set || Array.isArray(value) ? [...value.values()] : plainMembers(value);
  return members.flatMap((member) => tensorsIn(member, seen));
}

function isTensor(value: object): value is Tensor {
  return 'slot' in value && 'storage' in value;
}

function plainMembers(value: object): unknown[] {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? Object.values(value) : [];
}
