import type { Local } from '../encoder/code.ts';
import { advance, type Body, doWhile } from '../encoder/control.ts';
import type { FunctionBuilder } from '../encoder/function-builder.ts';
import { i32 } from '../encoder/scalar.ts';
import { f64x2 } from '../encoder/simd.ts';
import { formats, type KernelDType } from './formats.ts';

type VectorLocal = Local<'v128'>;

/** Eight elements at a time of an array that a kernel reads, or changes in place. */
export interface Elements {
  readonly vectors: readonly [low: VectorLocal, high: VectorLocal];
  readonly load: Body;
  readonly store: Body;
  readonly next: Body;
}

export function elementsAt(f: FunctionBuilder, pointer: Local<'i32'>, dtype: KernelDType): Elements {
  const { bytes, load8, store8 } = formats[dtype];
  const [low, high] = [f.local('v128'), f.local('v128')];
  return {
    vectors: [low, high],
    load: load8(f, pointer, 0, low, high),
    store: store8(f, pointer, 0, low, high),
    next: [advance(pointer, 8 * bytes)],
  };
}

/**
 * The loop of a kernel that changes arrays in place: loads all of them, runs `body` for the lower and the upper four
 * elements, and stores those that are targets. `count` must not be 0.
 */
export function eachGroup(
  count: Local<'i32'>,
  arrays: readonly Elements[],
  targets: readonly Elements[],
  body: (lanes: (array: Elements) => VectorLocal) => Body,
): Body {
  return [
    doWhile(
      [
        arrays.map(({ load }) => load),
        body(({ vectors }) => vectors[0]),
        body(({ vectors }) => vectors[1]),
        targets.map(({ store }) => store),
        arrays.map(({ next }) => next),
        advance(count, -8),
      ],
      i32.gtS(count, 0),
    ),
  ];
}

/** Numbers in both lanes of vectors, set by `spread`. */
export function spreadAll<N extends string>(
  f: FunctionBuilder,
  numbers: Readonly<Record<N, Local<'f64'>>>,
): { readonly spread: Body; readonly both: Readonly<Record<N, VectorLocal>> } {
  const pairs = Object.entries<Local<'f64'>>(numbers).map(([name, number]) => ({
    name,
    number,
    local: f.local('v128'),
  }));
  return {
    spread: pairs.map(({ number, local }) => local.set(f64x2.splat(number))),
    both: Object.fromEntries(pairs.map(({ name, local }) => [name, local])) as Record<N, VectorLocal>,
  };
}
