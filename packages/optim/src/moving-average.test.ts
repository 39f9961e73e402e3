import { cpu } from '@halfgrad/backend-cpu';
import { finfo, setDefaultDevice, type Tensor, tensor, update } from '@halfgrad/core';
import { BatchNorm1d, copyModule, Linear, Sequential } from '@halfgrad/nn';
import { array, double, assert as holds, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExponentialMovingAverage } from './index.ts';

setDefaultDevice(cpu);

const values = array(double({ noNaN: true, min: -8, max: 8 }), { minLength: 1, maxLength: 12 });

describe('a moving average', () => {
  test('is the sum of all values, weighted by powers of the decay', () => {
    holds(
      property(values, double({ noNaN: true, min: 0, max: 1 }), ([first, ...later], decay) => {
        const param = tensor([first as number], { dtype: 'float64', requiresGrad: true });
        const ema = new ExponentialMovingAverage([param], { decay });
        let expected = first as number;
        for (const value of later) {
          set(param, value);
          ema.update();
          expected = decay * expected + (1 - decay) * value;
        }
        expect(Math.abs(valueOf(ema) - expected)).toBeLessThanOrEqual(8 * 12 * finfo('float64').eps);
      }),
    );
  });

  test('stands still at skipped steps', () => {
    const param = tensor([1]);
    const ema = new ExponentialMovingAverage([param], { decay: 0.5 });
    set(param, 3);
    ema.update({ stepped: false });
    expect(valueOf(ema)).toBe(1);
    ema.update({ stepped: true });
    expect(valueOf(ema)).toBe(2);
  });

  test('of a bfloat16 parameter moves by less than the parameter could', () => {
    const param = tensor([1], { dtype: 'bfloat16' });
    const ema = new ExponentialMovingAverage([param], { decay: 0.999 });
    set(param, 1.0078125);
    ema.update();
    expect(ema.averages()[0]?.dtype).toBe('float32');
    expect(valueOf(ema)).toBeGreaterThan(1);
    expect(valueOf(ema)).toBeLessThan(1 + 2 ** -16);
  });

  test('takes the place of the parameters and gives it back, bit for bit', () => {
    const param = tensor([1.0078125], { dtype: 'bfloat16' });
    const ema = new ExponentialMovingAverage([param], { decay: 0.5 });
    set(param, 3);
    ema.update();
    const average = valueOf(ema);
    const restore = ema.swap();
    expect(param.item()).toBe(2);
    restore();
    expect([param.item(), valueOf(ema)]).toEqual([3, average]);
    restore();
    expect(param.item()).toBe(3);
  });

  test('of a model has its buffers too, and fits a copy of it', () => {
    const model = new Sequential(new Linear(2, 2), new BatchNorm1d(2));
    const tensors = (): [string, Tensor][] => [...model.namedParameters(), ...model.namedBuffers()];
    const ema = new ExponentialMovingAverage(tensors(), { decay: 0.5 });
    model.forward(
      tensor([
        [1, 2],
        [3, 5],
      ]),
    );
    ema.update();
    const copy = copyModule(model);
    ema.applyTo([...copy.parameters(), ...copy.buffers()]);
    const [before, after] = [model.stateDict(), copy.stateDict()];
    // The running mean began at 0.
    expect(after['1.running_mean']?.toArray()).toEqual(before['1.running_mean']?.mul(0.5).toArray());
    expect(after['1.num_batches_tracked']?.item()).toBe(1);
    expect(() => ema.applyTo(copy.parameters())).toThrow('the 4 tensors are not those of 7 averages');
  });

  test('continues from a saved state, which later updates do not change', () => {
    const [param, other] = [tensor([1]), tensor([5])];
    const ema = new ExponentialMovingAverage([['weight', param]], { decay: 0.5 });
    const saved = ema.stateDict();
    set(param, 3);
    ema.update();
    const resumed = new ExponentialMovingAverage([['weight', other]]);
    resumed.loadStateDict(saved);
    expect([valueOf(ema), valueOf(resumed), saved.decay]).toEqual([2, 1, 0.5]);
  });

  test('refuses what does not fit', () => {
    const param = tensor([1, 2]);
    const ema = new ExponentialMovingAverage([['weight', param]]);
    expect(() => ema.loadStateDict({ averages: {} })).toThrow('loadStateDict: "weight" is missing.');
    expect(() => ema.loadStateDict({ averages: { weight: tensor([1]) } })).toThrow('"weight" is [1], should be [2].');
    expect(() => new ExponentialMovingAverage([param, param])).toThrow('appears twice');
    expect(() => new ExponentialMovingAverage([param], { decay: 2 })).toThrow('decay is 2. Use a number from 0 to 1.');
  });
});

function set(param: Tensor, value: number): void {
  update('assign', { target: param, source: tensor([value], { dtype: 'float64' }) });
}

function valueOf(ema: ExponentialMovingAverage): number {
  return ema.averages()[0]?.item() as number;
}
