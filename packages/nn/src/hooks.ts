/**
 * Sees the inputs of a module before it computes; what it returns, if anything, replaces them. A method type, so that a
 * module of some inputs can be used where any module is expected.
 */
export type ForwardPreHook<Inputs extends readonly unknown[]> = {
  hook(inputs: Inputs): Inputs | undefined;
}['hook'];

/** Sees what a module computed from its inputs; what it returns, if anything, replaces the output. */
export type ForwardHook<Inputs extends readonly unknown[], Output> = {
  hook(inputs: Inputs, output: Output): Output | undefined;
}['hook'];

interface Hooks<Inputs extends readonly unknown[], Output> {
  readonly before: Set<ForwardPreHook<Inputs>>;
  readonly after: Set<ForwardHook<Inputs, Output>>;
}

interface Computing<Inputs extends readonly unknown[], Output> {
  forward(...inputs: Inputs): Output;
  [hooksKey]?: Hooks<Inputs, Output>;
}

const hooksKey: unique symbol = Symbol('hooks');

/**
 * The hooks of a module. The first call puts a `forward` that runs them in front of the one of its class; modules without
 * hooks pay nothing. Neither is an enumerable field, so copies of a module have no hooks.
 */
export function hooksOf<Inputs extends readonly unknown[], Output>(
  module: Computing<Inputs, Output>,
): Hooks<Inputs, Output> {
  const existing = module[hooksKey];
  if (existing) return existing;
  const hooks: Hooks<Inputs, Output> = { before: new Set(), after: new Set() };
  const { forward } = module;
  const hooked = (...inputs: Inputs): Output => {
    let given = inputs;
    for (const hook of hooks.before) given = hook(given) ?? given;
    let output = forward.call(module, ...given);
    for (const hook of hooks.after) output = hook(given, output) ?? output;
    return output;
  };
  Object.defineProperty(module, hooksKey, { value: hooks });
  Object.defineProperty(module, 'forward', { value: hooked });
  return hooks;
}
