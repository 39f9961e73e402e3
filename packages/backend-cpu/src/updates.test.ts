import { bfloat16Value, type DType, full, mul, type ScaleUpdate, type Tensor, tensor, update } from '@halfgrad/core';
import { decodeNumber, describeShared, type GoldenNumber, readJson } from '@halfgrad/testing';
import { expect, test } from 'vitest';
import { cpu } from './index.ts';

interface GoldenScaler {
  readonly trajectories: readonly {
    readonly name: string;
    readonly init_scale: number;
    readonly growth_factor: number;
    readonly backoff_factor: number;
    readonly growth_interval: number;
    readonly initial_tracker: number;
    readonly found_inf: readonly GoldenNumber[];
    readonly after: readonly (readonly [scale: number, tracker: number])[];
  }[];
  readonly unscale: readonly {
    readonly scale: number;
    readonly by_dtype: Readonly<Record<string, GoldenUnscale>>;
  }[];
  readonly unscale_special: readonly (GoldenUnscale & { readonly inv_scale: number })[];
  readonly scale_result: readonly {
    readonly loss_dtype: string;
    readonly loss_shape: readonly number[];
    readonly loss: number;
    readonly scale: number;
    readonly result_dtype: string;
    readonly result: GoldenNumber;
  }[];
}

interface GoldenUnscale {
  readonly inp: readonly GoldenNumber[];
  readonly out: readonly GoldenNumber[];
  readonly found_inf: number;
}

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

/** Divides gradients by a scale, and says whether anything was not finite. */
function unscale(values: readonly number[], dtype: DType, scale: number): { values: number[]; found: number } {
  const [grad, foundInf] = [tensor([...values], { dtype, device: cpu }), scalar(0)];
  update('unscaleAndCheck', { grads: [grad], scale: scalar(scale), foundInf });
  return { values: [...grad.dataSync()], found: foundInf.item() };
}

describeShared("the loss scale follows PyTorch's arithmetic", ['golden/gradscaler_update.json'], () => {
  const golden = readJson<GoldenScaler>('golden/gradscaler_update.json');

  // A tracker beyond the interval grows here and never there (AMP.md B5.4).
  const stuck = ['tracker already past the interval never matches (== not >=)', 'interval 0 never grows'];
  const alike = golden.trajectories.filter(({ name }) => !stuck.includes(name));

  test.each(alike.map((run) => [run.name, run] as const))('in growth and backoff: %s', (_, run) => {
    const iterate = createScale(run.init_scale, run.initial_tracker, {
      growthFactor: run.growth_factor,
      backoffFactor: run.backoff_factor,
      growthInterval: run.growth_interval,
    });
    expect(run.found_inf.map((found) => iterate(decodeNumber(found)))).toEqual(run.after);
  });

  test.each(stuck)('but grows where that is stuck: %s', (name) => {
    const run = golden.trajectories.find((each) => each.name === name);
    const iterate = createScale(8, run?.initial_tracker ?? 0, { growthInterval: run?.growth_interval ?? 0 });
    expect(iterate(0)).toEqual([16, 0]);
  });

  const divisions = golden.unscale.flatMap(({ scale, by_dtype }) =>
    Object.entries(by_dtype).map(([dtype, recorded]) => [dtype as DType, scale, recorded] as const),
  );

  test.each(divisions)('in unscaling %s gradients by %d', (dtype, scale, { inp, out, found_inf }) => {
    const result = unscale(inp.map(decodeNumber), dtype, scale);
    const expected = out.map(decodeNumber);
    expect(result.values).toEqual(expected);
    // We look at what comes out as well (AMP.md B3.7).
    expect(result.found).toBe(expected.every(Number.isFinite) ? found_inf : 1);
  });

  test.each(golden.unscale_special)('in unscaling $inp', ({ inp, inv_scale, out, found_inf }) => {
    expect(unscale(inp.map(decodeNumber), 'float32', 1 / inv_scale)).toEqual({
      values: out.map(decodeNumber),
      found: found_inf,
    });
  });

  test.each(golden.scale_result)(
    'in scaling a $loss_dtype loss of $loss with shape $loss_shape',
    ({ loss, loss_dtype, loss_shape, scale, result, result_dtype }) => {
      const scaled = mul(full(loss_shape, loss, { dtype: loss_dtype as DType, device: cpu }), scalar(scale));
      expect({ dtype: scaled.dtype, value: scaled.item() }).toEqual({
        dtype: result_dtype,
        value: decodeNumber(result),
      });
    },
  );
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
