import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { grad, noGrad, randn, setDefaultDevice, stack, sum, tensor, unbind } from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

describe('unbind', () => {
  test('takes apart what stack puts together, along any dimension', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }), fc.nat(2), (shape, d) => {
        const x = randn(shape);
        const dim = d % shape.length;
        const parts = unbind(x, dim);
        expect(parts.map(({ shape }) => shape)).toEqual(parts.map(() => shape.toSpliced(dim, 1)));
        expect(stack(parts, dim).toArray()).toEqual(x.toArray());
      }),
    );
  });

  test('passes the gradient of each slice, and zeros for those that nothing depends on', () => {
    const x = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]).requireGrad();
    const [first, , third] = unbind(x, 0);
    sum(first?.mul(10) ?? x).backward();
    expect(x.grad?.toArray()).toEqual([
      [10, 10],
      [0, 0],
      [0, 0],
    ]);
    expect(() => third?.mul(1).sum().backward()).not.toThrow();
    expect(x.grad?.toArray()).toEqual([
      [10, 10],
      [0, 0],
      [1, 1],
    ]);
  });

  test('can be differentiated twice', () => {
    const x = tensor([2, 3]).requireGrad();
    const [a, b] = unbind(x) as [typeof x, typeof x];
    const first = grad(a.mul(a).mul(b), x, { createGraph: true });
    expect(first.toArray()).toEqual([12, 4]);
    // ∂(2ab + a²)/∂a = 2b + 2a, ∂/∂b = 2a
    expect(grad(first.sum(), x).toArray()).toEqual([10, 4]);
  });

  test('records nothing where nothing is recorded', () => {
    const x = tensor([1, 2]).requireGrad();
    expect(noGrad(() => unbind(x)).some(({ requiresGrad }) => requiresGrad)).toBe(false);
    expect(unbind(x.detach()).some(({ requiresGrad }) => requiresGrad)).toBe(false);
  });
});
