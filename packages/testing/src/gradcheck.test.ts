import { cpu } from '@halfgrad/backend-cpu';
import { customFunction, exp, mul, randn, setDefaultDevice, sin, sum, type Tensor, tensor } from '@halfgrad/core';
import { beforeEach, describe, expect, test } from 'vitest';
import { gradcheck, gradgradcheck } from './gradcheck.ts';

beforeEach(() => setDefaultDevice(cpu));

function variable(values: readonly number[]): Tensor {
  return tensor(values, { dtype: 'float64', requiresGrad: true });
}

/** x², with `factor` times its derivative. */
function squareWithSlope(factor: number): (x: Tensor) => Tensor {
  return customFunction({
    name: 'square',
    forward(context, x: Tensor) {
      context.save({ x });
      return mul(x, x);
    },
    backward: ({ x }, gradient) => [mul(gradient, mul(x as Tensor, factor))],
  });
}

describe('gradcheck', () => {
  test('reports how much it compared and how well it agreed', async () => {
    const report = await gradcheck((x, y) => [mul(sin(x), y), exp(x)], [variable([1, 2, 3]), variable([0.5])]);
    expect(report.compared).toBe(4);
    expect(report.largestError).toBeLessThan(1e-8);
  });

  test('leaves its inputs and their gradients alone', async () => {
    const x = variable([1, 2]);
    await gradcheck((v) => sum(mul(v, v)), [x]);
    expect([x.toArray(), x.grad]).toEqual([[1, 2], undefined]);
  });

  test('skips inputs that require no gradient', async () => {
    const index = tensor([1, 0], { dtype: 'int32' });
    const report = await gradcheck((x, i) => x.indexSelect(0, i), [variable([1, 2, 3]), index]);
    expect(report.compared).toBe(3);
  });

  test('lists what is wrong, with the place', async () => {
    const x = variable([1, 2, 3, 4]).detach().reshape([2, 2]).requireGrad();
    const error = await gradcheck(squareWithSlope(3), [x]).catch((thrown: Error) => thrown);
    expect(String(error).replaceAll(/(\d\.\d{4})\d+/g, '$1')).toMatchInlineSnapshot(`
      "TensorError: gradcheck: backward and finite differences disagree on 4 of 4 derivatives of a weighted sum of the outputs:
        input 0, float64[2,2], at [0, 0]: backward 3, finite differences 1.9999
        input 0, float64[2,2], at [0, 1]: backward -3.7082, finite differences -2.4721
        input 0, float64[2,2], at [1, 0]: backward 11.1246, finite differences 7.4164
        input 0, float64[2,2], at [1, 1]: backward -10.2492, finite differences -6.8328"
    `);
  });

  test('has a tolerance that can be widened', async () => {
    const almost = squareWithSlope(2.00001);
    await expect(gradcheck(almost, [variable([1])])).rejects.toMatchObject({ code: 'wrong-gradient' });
    await gradcheck(almost, [variable([1])], { tolerance: 1e-4 });
  });

  test('needs float64 and something to check', async () => {
    const narrow = gradcheck((x) => x, [randn([2]).requireGrad()]);
    await expect(narrow).rejects.toThrowErrorMatchingInlineSnapshot(
      `[TensorError: gradcheck: an output is float32[2], but finite differences need float64. Use x.to('float64').]`,
    );
    await expect(gradcheck((x) => x, [tensor([1])])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[TensorError: gradcheck: no input requires a gradient. Use x.requireGrad().]`,
    );
  });
});

describe('gradgradcheck', () => {
  test('accepts what can be differentiated twice', async () => {
    await gradgradcheck((x, y) => mul(sin(x), y), [variable([1, 2]), variable([3, 4])]);
    await gradgradcheck(squareWithSlope(2), [variable([1, 2])]);
  });

  test('notices a backward pass that forgets what it depends on', async () => {
    const forgetful = customFunction({
      name: 'square',
      forward(context, x: Tensor) {
        context.save({ x });
        return mul(x, x);
      },
      backward: ({ x }, gradient) => [mul(gradient, (x as Tensor).detach().mul(2))],
    });
    await gradcheck(forgetful, [variable([1, 2])]);
    await expect(gradgradcheck(forgetful, [variable([1, 2])])).rejects.toMatchObject({ code: 'wrong-gradient' });
  });
});
