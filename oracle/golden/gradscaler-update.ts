import { type Device, type DType, full, mul, type ScaleUpdate, type Tensor, tensor, update } from '@halfgrad/core';
import { decodeNumber, type GoldenNumber, readJson } from '@halfgrad/testing';
import { type Claim, claim, claimNow, exactly } from '../compare.ts';
import { Missing, type Suite } from '../suite.ts';

interface Trajectory {
  readonly name: string;
  readonly init_scale: number;
  readonly growth_factor: number;
  readonly backoff_factor: number;
  readonly growth_interval: number;
  readonly initial_tracker: number;
  readonly found_inf: readonly GoldenNumber[];
  readonly after: readonly (readonly [scale: number, tracker: number])[];
}

interface Unscaling {
  readonly inp: readonly GoldenNumber[];
  readonly out: readonly GoldenNumber[];
  readonly found_inf: number;
}

interface Scaling {
  readonly loss_dtype: DType;
  readonly loss_shape: readonly number[];
  readonly loss: number;
  readonly scale: number;
  readonly result_dtype: DType;
  readonly result: GoldenNumber;
}

interface Golden {
  readonly trajectories: readonly Trajectory[];
  readonly unscale: readonly { readonly scale: number; readonly by_dtype: Readonly<Record<DType, Unscaling>> }[];
  readonly unscale_special: readonly (Unscaling & { readonly inv_scale: number })[];
  readonly scale_result: readonly Scaling[];
}

const file = 'golden/gradscaler_update.json';

export const gradScalerUpdate: Suite = {
  name: 'gradscaler_update',
  source: "The kernels of PyTorch's GradScaler: growth, backoff, unscaling",
  tolerance: 'exact',
  files: [file],
  cases() {
    const { trajectories, unscale, unscale_special, scale_result } = readJson<Golden>(file);
    return [
      ...trajectories.map((recorded) => ({
        name: recorded.name,
        run: (device: Device) => followScale(recorded, device),
      })),
      ...unscale.flatMap(({ scale, by_dtype }) =>
        Object.entries(by_dtype).map(([dtype, recorded]) => ({
          name: `unscale ${dtype} by ${scale}`,
          run: (device: Device) => checkUnscaling(recorded, dtype as DType, scale, device),
        })),
      ),
      ...unscale_special.map((recorded) => ({
        name: `unscale ${recorded.inp} by ${1 / recorded.inv_scale}`,
        run: (device: Device) => checkUnscaling(recorded, 'float32', 1 / recorded.inv_scale, device),
      })),
      ...scale_result.map((recorded) => ({
        name: `scale a ${recorded.loss_dtype} loss of ${recorded.loss} by ${recorded.scale}`,
        run: (device: Device) => checkScaling(recorded, device),
      })),
    ];
  },
};

function followScale(recorded: Trajectory, device: Device): Claim[] {
  const { growth_interval: growthInterval, initial_tracker: initialTracker } = recorded;
  if (initialTracker >= growthInterval) throw new Missing('a growth tracker that passed its interval');
  const scale = scalar(recorded.init_scale, device);
  const [growthTracker, skipTracker] = [initialTracker, 0].map((value) => scalar(value, device, 'int32')) as [
    Tensor,
    Tensor,
  ];
  const attrs: ScaleUpdate = {
    growthFactor: recorded.growth_factor,
    backoffFactor: recorded.backoff_factor,
    growthInterval,
    hysteresis: 1,
    consecutiveHysteresis: false,
    uncountedSteps: 0,
    minScale: 0,
    maxScale: Number.POSITIVE_INFINITY,
  };
  return recorded.found_inf.flatMap((found, i) => {
    update('updateScale', { scale, growthTracker, skipTracker, foundInf: scalar(decodeNumber(found), device) }, attrs);
    const [expectedScale, expectedTracker] = recorded.after[i] as readonly [number, number];
    return [
      claimNow(`scale after ${i + 1}`, scale, [expectedScale], exactly),
      claimNow(`tracker after ${i + 1}`, growthTracker, [expectedTracker], exactly),
    ];
  });
}

function checkUnscaling({ inp, out, found_inf }: Unscaling, dtype: DType, scale: number, device: Device): Claim[] {
  const values = out.map(decodeNumber);
  if (found_inf === 0 && !values.every(Number.isFinite))
    throw new Missing('an overflow of unscaling that goes unnoticed');
  const grad = tensor(inp.map(decodeNumber), { dtype, device });
  const foundInf = scalar(0, device);
  update('unscaleAndCheck', { grads: [grad], scale: scalar(scale, device), foundInf });
  return [
    claim('gradient', grad, { dtype, shape: [values.length], values }, exactly),
    claim('found inf', foundInf, { shape: [], values: [found_inf] }, exactly),
  ];
}

function checkScaling({ loss, loss_dtype, loss_shape, scale, result, result_dtype }: Scaling, device: Device): Claim[] {
  const scaled = mul(full(loss_shape, loss, { dtype: loss_dtype, device }), scalar(scale, device));
  const values = new Array<number>(scaled.size).fill(decodeNumber(result));
  return [claim('loss', scaled, { dtype: result_dtype, shape: loss_shape, values }, exactly)];
}

function scalar(value: number, device: Device, dtype: DType = 'float32'): Tensor {
  return tensor(value, { dtype, device });
}
