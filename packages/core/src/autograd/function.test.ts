import { cpu } from '@halfgrad/backend-cpu';
import { beforeEach, expect, test } from 'vitest';
import { customFunction, exp, grad, mul, noGrad, setDefaultDevice, sum, type Tensor, tensor } from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

const customExp = customFunction({
  name: 'customExp',
  forward(context, x: Tensor) {
    const y = exp(x);
    context.save({ y });
    return y;
  },
  backward: ({ y }, gradient) => [mul(gradient, y as Tensor)],
});

function leaf(values: readonly number[]): Tensor {
  return tensor(values, { dtype: 'float64', requiresGrad: true });
}

test('uses the backward pass it was given', () => {
  const straightThrough = customFunction({
    name: 'sign',
    forward: (_context, x: Tensor) => x.sign(),
    backward: (_saved, gradient) => [gradient],
  });
  const x = leaf([-2, 3]);
  const y = straightThrough(x);
  expect(y.toArray()).toEqual([-1, 1]);
  sum(mul(y, y)).backward();
  expect(x.grad?.toArray()).toEqual([-2, 2]);
});

test('can be differentiated twice', () => {
  const x = leaf([0, 1]);
  const first = grad(sum(customExp(x)), x, { createGraph: true });
  const second = grad(sum(first), x);
  expect(second.toArray()).toEqual([1, Math.E]);
});

test('does not record what happens in forward', () => {
  const x = leaf([1]);
  let inner: Tensor | undefined;
  const outer = customFunction({
    name: 'outer',
    forward(_context, input: Tensor) {
      inner = mul(input, 2);
      return inner;
    },
    backward: (_saved, gradient) => [gradient.mul(100)],
  });
  sum(outer(x)).backward();
  expect(x.grad?.toArray()).toEqual([100]);
});

test('gives a tensor of its own even when forward returns its input', () => {
  const identity = customFunction({
    name: 'identity',
    forward: (_context, x: Tensor) => x,
    backward: (_saved, gradient) => [gradient.mul(3)],
  });
  const x = leaf([1]);
  const y = identity(x);
  expect(y).not.toBe(x);
  sum(y).backward();
  expect(x.grad?.toArray()).toEqual([3]);
});

test('takes several inputs, and undefined for those without a gradient', () => {
  const scale = customFunction({
    name: 'scale',
    forward(context, x: Tensor, factor: Tensor) {
      context.save({ factor });
      return mul(x, factor);
    },
    backward: ({ factor }, gradient) => [mul(gradient, factor as Tensor), undefined],
  });
  const [x, factor] = [leaf([1, 2]), leaf([5, 7])];
  sum(scale(x, factor)).backward();
  expect(x.grad?.toArray()).toEqual([5, 7]);
  expect(factor.grad).toBeUndefined();
});

test('is not recorded under noGrad or without inputs that require a gradient', () => {
  expect(noGrad(() => customExp(leaf([1]))).requiresGrad).toBe(false);
  expect(customExp(tensor([1])).requiresGrad).toBe(false);
});

test('says how many gradients are missing', () => {
  const wrong = customFunction({
    name: 'wrong',
    forward: (_context, a: Tensor, b: Tensor) => a.add(b),
    backward: (_saved, gradient) => [gradient],
  });
  const y = sum(wrong(leaf([1]), leaf([2])));
  expect(() => y.backward()).toThrowErrorMatchingInlineSnapshot(
    `[TensorError: wrong: backward returned 1 gradients for 2 inputs. Return undefined for those that need none.]`,
  );
});
