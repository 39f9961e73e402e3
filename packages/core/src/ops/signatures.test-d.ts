import { expectTypeOf, test } from 'vitest';
import {
  type Attrs,
  customFunction,
  type DecomposedOp,
  dispatch,
  type Inputs,
  infer,
  type Kernel,
  type KernelRow,
  type OpName,
  type Outputs,
  type Result,
  scope,
  type Tensor,
  type TensorSpec,
  update,
  withLayers,
} from '../index.ts';

declare const x: Tensor;

test('an op takes and gives what its signature says, in any representation', () => {
  expectTypeOf(dispatch('add', { a: x, b: x })).toEqualTypeOf<Tensor>();
  expectTypeOf(dispatch('maxPool', { x }, { windows: [] })).toEqualTypeOf<{ out: Tensor; indices: Tensor }>();
  expectTypeOf(infer.layerNorm).returns.toEqualTypeOf<{ out: TensorSpec; mean: TensorSpec; rstd: TensorSpec }>();
  expectTypeOf<Inputs<'linear', TensorSpec>>().toEqualTypeOf<{
    x: TensorSpec;
    weight: TensorSpec;
    bias: TensorSpec | undefined;
  }>();
  expectTypeOf<Attrs<'add'>>().toEqualTypeOf<undefined>();
  expectTypeOf<Attrs<'gelu'>>().toEqualTypeOf<{ approximate: 'none' | 'tanh' }>();
});

test('a single output goes by the name out', () => {
  expectTypeOf<Outputs<'add', Tensor>>().toEqualTypeOf<{ out: Tensor }>();
  expectTypeOf<Outputs<'maxPool', Tensor>>().toEqualTypeOf<Result<'maxPool', Tensor>>();
});

test('names, inputs and attributes are checked', () => {
  // @ts-expect-error no such op
  dispatch('addd', { a: x, b: x });
  // @ts-expect-error b is missing
  dispatch('add', { a: x });
  // @ts-expect-error an optional input has to be named
  dispatch('linear', { x, weight: x });
  // @ts-expect-error the attributes are missing
  dispatch('clamp', { x });
  // @ts-expect-error add has no attributes
  dispatch('add', { a: x, b: x }, { alpha: 2 });
});

test('only ops with a decomposition may be left to it', () => {
  expectTypeOf<KernelRow<'gelu', never>>().toEqualTypeOf<Kernel<'gelu', never> | 'decomposed'>();
  expectTypeOf<KernelRow<'matmul', never>>().toEqualTypeOf<Kernel<'matmul', never>>();
  expectTypeOf<DecomposedOp>().toExtend<OpName>();
});

test('a custom function keeps the types and the number of its inputs', () => {
  const scale = customFunction({
    name: 'scale',
    forward: (_context, a: Tensor, b: Tensor) => a.mul(b),
    backward: (_saved, grad) => [grad, undefined],
  });
  expectTypeOf(scale).toEqualTypeOf<(a: Tensor, b: Tensor) => Tensor>();
  // @ts-expect-error one input is missing
  scale(x);
});

test('updates take attributes where they have any', () => {
  update('assign', { target: x, source: x });
  update('lerp', { target: x, source: x }, { weight: 0.5 });
  // @ts-expect-error the weight is missing
  update('lerp', { target: x, source: x });
});

test('regions return what their bodies return', () => {
  expectTypeOf(scope(() => ({ loss: x, n: 1 }))).toEqualTypeOf<{ loss: Tensor; n: number }>();
  expectTypeOf(withLayers({}, () => x)).toEqualTypeOf<Tensor>();
});
