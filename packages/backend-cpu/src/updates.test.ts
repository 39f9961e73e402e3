import { bfloat16Value, type DType, full, type ScaleUpdate, type Tensor, tensor, update } from '@halfgrad/core';
import { describeShared, readJson } from '@halfgrad/testing';
import { expect, test } from 'vitest';
import { cpu } from './index.ts';

const scalar = (value: number, dtype: DType = 'float32'): Tensor => tensor(value, { dtype, device: cpu });

/** The state of a loss scale, and what one iteration makes of it. */
function createScale(initial: number, tracker: number, attrs: Partial<ScaleUpdate>) {
  const [scale, growthTracker, skipTracker] = [scalar(initial), scalar(tracker, 'int32'), scalar(0, 'int32')];
  const settings: ScaleUpdate = {
    growthFactor: 2,
    backoffFactor: 0.5,
    growthInterval: 2000,
    hysteresis: 1,
    consecutiveHysteresis: true,
    uncountedSteps: 0,
    minScale: 0,
    maxScale: Number.POSITIVE_INFINITY,
    ...attrs,
  };
  return (foundInf: number): [scale: number, tracker: number] => {
    update('updateScale', { scale, growthTracker, skipTracker, foundInf: scalar(foundInf) }, settings);
    return [scale.item(), growthTracker.item()];
  };
}

test('a tracker beyond the interval lets the scale grow, where PyTorch is stuck (AMP.md B5.4)', () => {
  expect(createScale(8, 5, { growthInterval: 3 })(0)).toEqual([16, 0]);
});

test('an overflow that unscaling itself makes is found (AMP.md B3.7)', () => {
  const [grad, foundInf] = [tensor([3e38], { device: cpu }), scalar(0)];
  update('unscaleAndCheck', { grads: [grad], scale: scalar(0.125), foundInf });
  expect(foundInf.item()).toBe(1);
});

test('a loss scale stays within its bounds', () => {
  const bounds = { growthInterval: 1, minScale: 3, maxScale: 12 };
  const iterate = createScale(8, 0, bounds);
  expect([0, 0, 1, 1, 1].map(iterate)).toEqual([
    [12, 0],
    [12, 0],
    [6, 0],
    [3, 0],
    [3, 0],
  ]);
});

test('one gradient that is not finite is found among many, and all are unscaled', () => {
  const grads = [
    [2, 4],
    [Number.NaN, 8],
    [16, 32],
  ].map((values) => tensor(values, { device: cpu }));
  const foundInf = scalar(0);
  update('unscaleAndCheck', { grads, scale: scalar(2), foundInf });
  expect(foundInf.item()).toBe(1);
  expect(grads.map((grad) => [...grad.dataSync()])).toEqual([
    [1, 2],
    [Number.NaN, 4],
    [8, 16],
  ]);
});

test('a flag that was up stays up', () => {
  const foundInf = scalar(1);
  update('unscaleAndCheck', { grads: [scalar(1)], scale: scalar(2), foundInf });
  expect(foundInf.item()).toBe(1);
});

interface GoldenRounding {
  readonly stochastic_rounding: readonly {
    readonly f32: string;
    readonly rand16: readonly number[];
    readonly bf16: readonly string[];
  }[];
}

describeShared('assign rounds to bfloat16 stochastically', ['golden/lowbit_recipes.json'], () => {
  const { stochastic_rounding: cases } = readJson<GoldenRounding>('golden/lowbit_recipes.json');

  test.each(cases)('$f32, up if the noise is less than what is cut off', ({ f32, rand16, bf16 }) => {
    const value = new Float32Array(Uint32Array.of(Number(f32)).buffer)[0] as number;
    const source = full([rand16.length], value, { device: cpu });
    const target = full([rand16.length], 0, { dtype: 'bfloat16', device: cpu });
    const noise = tensor(
      rand16.map((r) => r / 0x1_0000),
      { device: cpu },
    );
    update('assign', { target, source, noise });
    expect([...target.dataSync()]).toEqual(bf16.map((bits) => bfloat16Value(Number.parseInt(bits, 16))));
  });
});
