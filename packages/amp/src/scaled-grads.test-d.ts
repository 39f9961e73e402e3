import type { Tensor } from '@halfgrad/core';
import { expectTypeOf, test } from 'vitest';
import type { GradScaler, Grads, ScalableOptimizer, ScaledGrads, StepResult } from './index.ts';

declare const scaler: GradScaler;
declare const optimizer: ScalableOptimizer<{ readonly closure?: never }>;
declare const loss: Tensor;

test('scaled gradients can only be unscaled', () => {
  const scaled = scaler.backward(loss, optimizer);
  expectTypeOf<keyof ScaledGrads>().toEqualTypeOf<'unscale'>();
  // @ts-expect-error clipping comes after unscaling
  scaled.clip(() => {});
  // @ts-expect-error stepping comes after unscaling
  scaled.step();
});

test('true gradients can be clipped and stepped, and not unscaled again', () => {
  const grads = scaler.backward(loss, optimizer).unscale();
  expectTypeOf(grads.clip(() => {}).step()).toEqualTypeOf<StepResult>();
  expectTypeOf<keyof Grads>().toEqualTypeOf<'clip' | 'step'>();
  // @ts-expect-error there is nothing left to divide
  grads.unscale();
});

test('neither passes for the other', () => {
  expectTypeOf<ScaledGrads>().not.toExtend<Grads>();
  expectTypeOf<Grads>().not.toExtend<ScaledGrads>();
});

test('scaling keeps the shape of nested losses', () => {
  expectTypeOf(scaler.scale({ a: loss, b: [loss] })).toEqualTypeOf<{ a: Tensor; b: Tensor[] }>();
});
