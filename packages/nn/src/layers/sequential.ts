import type { Tensor } from '@halfgrad/core';
import { Module } from '../module.ts';

/** Modules applied one after another, named and indexed by their positions: `model[0]`, `0.weight`. */
export class Sequential extends Module {
  readonly [index: number]: Module;

  constructor(...layers: readonly Module[]) {
    super();
    Object.assign(this, layers);
  }

  get length(): number {
    return [...this].length;
  }

  *[Symbol.iterator](): Generator<Module> {
    for (let i = 0; i in this; i++) yield this[i] as Module;
  }

  forward(x: Tensor): Tensor {
    let value = x;
    for (const layer of this) value = layer.forward(value);
    return value;
  }
}
