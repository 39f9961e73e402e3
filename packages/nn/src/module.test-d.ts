import type { Tensor } from '@halfgrad/core';
import { expectTypeOf, test } from 'vitest';
import { type AnyModule, copyModule, type Linear, type Module, type Sequential } from './index.ts';

interface Encoded {
  readonly hidden: Tensor;
}
declare class Encoder extends Module<[ids: Tensor, mask?: Tensor], Encoded> {
  forward(ids: Tensor, mask?: Tensor): Encoded;
}

test('a module takes one tensor and gives one unless it says otherwise', () => {
  expectTypeOf<Module['forward']>().toEqualTypeOf<(x: Tensor) => Tensor>();
});

test('code that only looks at tensors takes modules of any inputs', () => {
  expectTypeOf<Encoder>().toExtend<AnyModule>();
  expectTypeOf<Linear>().toExtend<AnyModule>();
  expectTypeOf<Encoder>().not.toExtend<Module>();
});

test('methods that return the module keep its type', () => {
  expectTypeOf<ReturnType<Encoder['eval']>>().toEqualTypeOf<Encoder>();
  expectTypeOf(copyModule<Encoder>).returns.toEqualTypeOf<Encoder>();
});

test('a layer of a sequential model is a module', () => {
  expectTypeOf<Sequential[0]>().toEqualTypeOf<Module>();
});
