import { cpu } from '@halfgrad/backend-cpu';
import { setDefaultDevice, tensor } from '@halfgrad/core';
import { SGD } from '@halfgrad/optim';
import { describeShared, readJson } from '@halfgrad/testing';
import { expect, test } from 'vitest';
import { GradScaler, type GradScalerState } from './grad-scaler.ts';
import type { GradScalerOptions } from './scaler-options.ts';
import { type ScalerPreset, scalerPresets } from './scaler-presets.ts';

setDefaultDevice(cpu);

type Row = readonly [scale: number | 'raise', ...counters: number[]];

interface Recorded {
  readonly options: Readonly<Record<string, number | boolean>>;
  readonly sequences: readonly { readonly found_inf: readonly number[]; readonly after: readonly Row[] }[];
}

/** How each recorded option is called here. */
const renamed: Readonly<Record<string, (value: never) => GradScalerOptions>> = {
  window: (growthInterval: number) => ({ growthInterval }),
  interval: (growthInterval: number) => ({ growthInterval }),
  steps: (growthInterval: number) => ({ growthInterval }),
  period: (growthInterval: number) => ({ growthInterval }),
  init: (initScale: number) => ({ initScale }),
  mn: (minScale: number) => ({ minScale }),
  mx: (maxScale: number) => ({ maxScale }),
  shift: (hysteresis: number) => ({ hysteresis }),
  hyst: (hysteresis: number) => ({ hysteresis }),
  consec: (consecutiveHysteresis: boolean) => ({ consecutiveHysteresis }),
};

type State = GradScalerState & { readonly skips: number };

/** The recorded row, from the state of our scaler. */
const rows: Readonly<Record<Exclude<ScalerPreset, 'torch'>, (state: State, hysteresis: number) => Row>> = {
  apex: ({ scale, _growth_tracker }) => [scale, _growth_tracker],
  deepspeed: ({ scale, skips }, hysteresis) => [scale, Math.max(1, hysteresis - skips)],
  megatron: ({ scale, _growth_tracker, skips }, hysteresis) => [scale, _growth_tracker, hysteresis - skips],
  keras: ({ scale, _growth_tracker }) => [scale, _growth_tracker],
  jmp: ({ scale, _growth_tracker }) => [scale, _growth_tracker],
  flax: ({ scale, _growth_tracker }) => [scale, _growth_tracker],
};

const file = 'golden/other_loss_scalers.json';
describeShared("each preset follows the other system's scaler (T-X-04, B9.1, B9.2, B9.3)", [file], () => {
  const { scalers } = readJson<{ scalers: Readonly<Record<keyof typeof rows, readonly Recorded[]>> }>(file);
  const runs = Object.entries(scalers).flatMap(([name, recorded]) =>
    recorded.flatMap(({ options, sequences }) =>
      sequences.map((sequence, i) => [name as keyof typeof rows, options, i, sequence] as const),
    ),
  );

  test.each(runs)('%s with %j, sequence %i', (name, options, _, { found_inf, after }) => {
    const given = Object.entries(options).map(([key, value]) => renamed[key]?.(value as never));
    const merged: GradScalerOptions = Object.assign({}, scalerPresets[name], ...given);
    // flax grows on the step after the recorded interval.
    const interval = (merged.growthInterval ?? 0) + (name === 'flax' ? 1 : 0);
    const { hysteresis = 1 } = merged;
    const scaler = new GradScaler({ ...merged, growthInterval: interval });
    const w = tensor([0], { requiresGrad: true });
    const optimizer = new SGD([w], { lr: 0 });
    let skips = 0;
    scaler.scale(w.sum());
    const seen = found_inf.map((found): Row => {
      w.grad = tensor([found ? Number.POSITIVE_INFINITY : 1]);
      scaler.step(optimizer);
      let raised = false;
      try {
        scaler.update();
      } catch (error) {
        expect(error).toMatchObject({ code: 'scale-collapsed' });
        raised = true;
      }
      const state = scaler.stateDict() as GradScalerState;
      // With a budget of one step the state does not say how often it was overdrawn, as Megatron's does.
      skips = state._skip_tracker ?? (found ? skips + 1 : state._growth_tracker === 0 ? 0 : skips);
      const row = rows[name]({ ...state, skips }, hysteresis);
      return raised ? ['raise', ...row.slice(1).map(Number)] : row;
    });
    expect(seen.slice(0, after.length)).toEqual(after);
  });
});

test('the preset of PyTorch has its defaults, and no floor (B1.1, B5.5)', () => {
  const { settings } = new GradScaler(scalerPresets.torch);
  expect(settings).toMatchObject({
    initScale: 65536,
    growthFactor: 2,
    backoffFactor: 0.5,
    growthInterval: 2000,
    minScale: 0,
  });
});
