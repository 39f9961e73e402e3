import { clone } from '@halfgrad/core';
import { type AnyModule, isCollection, Module } from './module.ts';
import { Buffer, Parameter } from './parameter.ts';

/**
 * An independent copy of a module (`copy.deepcopy`): its children, parameters and buffers are copied, and what they share
 * is shared in the copy; every other field is the same value. Gradients are not copied.
 *
 *     const half = copyModule(model).to('float16', { except: (m) => m instanceof BatchNorm2d });
 *
 * State in `#private` fields cannot be reached and would be missing: keep a module's state in ordinary fields.
 */
export function copyModule<M extends AnyModule>(module: M): M {
  return copyOf(module, new Map());
}

function copyOf<V>(value: V, copies: Map<unknown, unknown>): V {
  if (!copies.has(value)) copies.set(value, copyValue(value, copies));
  return copies.get(value) as V;
}

function copyValue(value: unknown, copies: Map<unknown, unknown>): unknown {
  if (value instanceof Parameter) return new Parameter(clone(value.detach()), { requiresGrad: value.requiresGrad });
  if (value instanceof Buffer) return new Buffer(clone(value.detach()));
  if (!(value instanceof Module) && !isCollection(value)) return value;
  const copy: object = Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value));
  // Before its fields are copied, so that a child may refer back to its parent.
  copies.set(value, copy);
  for (const [key, field] of Object.entries(value)) Object.assign(copy, { [key]: copyOf(field, copies) });
  return copy;
}
