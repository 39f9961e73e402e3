import type { Tensor } from '@halfgrad/core';
import { Module } from '../module.ts';

/** Returns its input: the place of a layer that a configuration leaves out. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}
