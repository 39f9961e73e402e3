import type { Tensor } from '@halfgrad/core';
import { Module } from '../module.ts';

/** Modules applied one after another, named and indexed by their positions: `model[0]`, `0.weight`. */
export class Sequential extends Module {
  readonly [index: number]: Module;
  readonly length: number;

  constructor(...layers: readonly Module[]) {
    super();
    this.length = layers.length;
    Object.assign(this, layers);
  }

  [Symbol.iterator](): Iterator<Module> {
    return Array.from<Module>(this).values();
  }

  forward(x: Tensor): Tensor {
    return Array.from<Module>(this).reduce((value, layer) => layer.forward(value), x);
  }
}
