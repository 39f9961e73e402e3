import { cpu } from '@halfgrad/backend-cpu';
import { finfo, noGrad, setDefaultDevice, type Tensor, tensor, withLayers } from '@halfgrad/core';
import { double, assert as holds, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { biasCorrection } from './formula-optimizer.ts';
import { LAMB, Lion, RAdam, RMSprop } from './index.ts';

setDefaultDevice(cpu);

const grads = [
  [0.5, -1],
  [0.25, 2],
  [-1, 0],
  [0, 0.125],
];

/** The parameter after each step, in float64. */
function trace(create: (param: Tensor) => { step(): void }): number[][] {
  const param = tensor([1, -2], { dtype: 'float64', requiresGrad: true });
  const optimizer = create(param);
  return grads.map((grad) => {
    param.grad = tensor(grad, { dtype: 'float64' });
    optimizer.step();
    return valuesOf(param);
  });
}

describe('formulas of the papers', () => {
  test('Lion', () => {
    const [lr, beta1, beta2, decay] = [0.1, 0.9, 0.99, 0.01];
    const [p, m] = [
      [1, -2],
      [0, 0],
    ];
    const expected = grads.map((grad) => {
      grad.forEach((g, i) => {
        const direction = Math.sign(beta1 * at(m, i) + (1 - beta1) * g);
        p[i] = at(p, i) - lr * (direction + decay * at(p, i));
        m[i] = beta2 * at(m, i) + (1 - beta2) * g;
      });
      return [...p];
    });
    expectClose(
      trace((param) => new Lion([param], { lr, weightDecay: decay })),
      expected,
    );
  });

  test('LAMB', () => {
    const [lr, beta1, beta2, eps, decay] = [0.1, 0.9, 0.999, 1e-6, 0.01];
    const [p, m, v] = [
      [1, -2],
      [0, 0],
      [0, 0],
    ];
    const expected = grads.map((grad, step) => {
      const direction = grad.map((g, i) => {
        m[i] = beta1 * at(m, i) + (1 - beta1) * g;
        v[i] = beta2 * at(v, i) + (1 - beta2) * g * g;
        const [mean, square] = [at(m, i) / (1 - beta1 ** (step + 1)), at(v, i) / (1 - beta2 ** (step + 1))];
        return mean / (Math.sqrt(square) + eps) + decay * at(p, i);
      });
      const trust = Math.hypot(...p) / Math.hypot(...direction);
      direction.forEach((r, i) => {
        p[i] = at(p, i) - lr * trust * r;
      });
      return [...p];
    });
    expectClose(
      trace((param) => new LAMB([param], { lr, weightDecay: decay })),
      expected,
    );
  });

  test('LAMB moves a parameter of zeros, and stays where there is no gradient', () => {
    const zero = tensor([0, 0], { requiresGrad: true });
    const still = tensor([1, 2], { requiresGrad: true });
    zero.grad = tensor([1, -1]);
    still.grad = tensor([0, 0]);
    new LAMB([zero, still], { lr: 0.5 }).step();
    // A first step of Adam is the sign of the gradient, up to ε.
    expectClose([valuesOf(zero)], [[-0.5, 0.5]], 1e-6);
    expect(valuesOf(still)).toEqual([1, 2]);
  });
});

describe('in float32', () => {
  // The power and the subtraction would lose up to all digits; this formula rounds ten times.
  test('bias corrections are as precise as the format', () => {
    holds(
      property(double({ min: 0.5, max: 1 - 1e-6, noNaN: true }), integer({ min: 1, max: 1e6 }), (beta, t) => {
        const exact = -Math.expm1(t * Math.log(beta));
        const corrected = biasCorrection(beta, tensor(t)).item();
        expect(Math.abs(corrected - exact)).toBeLessThanOrEqual(10 * finfo('float32').eps * exact);
      }),
    );
  });

  test('RAdam follows float64 with an average so long that its textbook formula cancels', () => {
    const run = (dtype: 'float32' | 'float64'): number[] => {
      const param = tensor([1], { dtype, requiresGrad: true });
      const optimizer = new RAdam([param], { lr: 0.01, betas: [0.9, 0.99999] });
      return Array.from({ length: 12 }, (_, step) => {
        param.grad = tensor([step % 3], { dtype });
        optimizer.step();
        return param.item();
      });
    };
    // Twelve steps of about ten roundings, of numbers up to 1.
    const tolerance = 120 * finfo('float32').eps;
    run('float32').forEach((value, i) => {
      expect(Math.abs(value - at(run('float64'), i))).toBeLessThanOrEqual(tolerance);
    });
  });
});

test('steps are the same in a region that casts or does not record', () => {
  const castAll = { autocast: () => () => expect.unreachable('an optimizer does not dispatch to autocast') };
  const run = (region: (body: () => void) => void): number[] => {
    const param = tensor([1, -2], { requiresGrad: true });
    param.grad = tensor([0.5, 3]);
    const optimizer = new RMSprop([param]);
    region(() => optimizer.step());
    expect(param.requiresGrad).toBe(true);
    return valuesOf(param);
  };
  const plain = run((body) => body());
  expect(run((body) => noGrad(body))).toEqual(plain);
  expect(run((body) => withLayers(castAll, body))).toEqual(plain);
});

function valuesOf(x: Tensor): number[] {
  return Array.from(x.dataSync());
}

function at(values: readonly number[], i: number): number {
  return values[i] as number;
}

/** Up to the roundings of a few dozen float64 operations. */
function expectClose(actual: readonly number[][], expected: readonly number[][], tolerance = 1e-13): void {
  actual.flat().forEach((value, i) => {
    expect(Math.abs(value - at(expected.flat(), i))).toBeLessThanOrEqual(tolerance);
  });
}
