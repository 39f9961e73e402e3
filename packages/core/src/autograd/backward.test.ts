import { cpu } from '@halfgrad/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  add,
  type DType,
  grad,
  mul,
  noGrad,
  randn,
  reshape,
  setDefaultDevice,
  sum,
  type Tensor,
  type TensorError,
  tensor,
  update,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

/** A tensor that requires a gradient, in float64. */
function leaf(values: readonly number[] | number, dtype: DType = 'float64'): Tensor {
  return tensor(values, { dtype, requiresGrad: true });
}

function gradientOf(x: Tensor): unknown {
  return x.grad?.toArray();
}

function errorOf(body: () => unknown): TensorError {
  try {
    body();
  } catch (error) {
    return error as TensorError;
  }
  throw new Error('nothing was thrown');
}

describe('accumulation', () => {
  test('adds up the gradients of all uses, and of all calls', () => {
    const x = leaf(3);
    mul(x, x).add(x).backward();
    expect(gradientOf(x)).toBe(7);
    mul(x, 2).backward();
    expect(gradientOf(x)).toBe(9);
    x.grad = undefined;
    mul(x, 2).backward();
    expect(gradientOf(x)).toBe(2);
  });

  test('sums over broadcast dimensions and keeps the dtype of the leaf', () => {
    const row = leaf([1, 2], 'float32');
    const column = tensor([[1], [2], [3]], { dtype: 'float64', requiresGrad: true });
    sum(mul(row, column)).backward();
    expect(row.grad?.dtype).toBe('float32');
    expect(gradientOf(row)).toEqual([6, 6]);
    expect(gradientOf(column)).toEqual([[3], [3], [3]]);
  });

  test('stores gradients on leaves, and elsewhere only where retainGrad was called', () => {
    const x = leaf([1, 2]);
    const doubled = mul(x, 2);
    const squared = mul(doubled, doubled).retainGrad();
    sum(squared).backward();
    expect(gradientOf(x)).toEqual([8, 16]);
    expect(doubled.grad).toBeUndefined();
    expect(gradientOf(squared)).toEqual([1, 1]);
  });

  test('a leaf is its own gradient', () => {
    const x = leaf(3);
    x.backward();
    expect(gradientOf(x)).toBe(1);
  });

  test('gives every leaf a gradient of its own memory, for gradients change in place', () => {
    const a = leaf([1, 2]);
    const b = leaf([3, 4]);
    const c = leaf([5, 6]);
    const upstream = tensor([1, 10], { dtype: 'float64' });
    add(add(a, b), reshape(c, [2])).backward(upstream);
    update('assign', { target: a.grad as Tensor, source: tensor([0, 0]) });
    expect(gradientOf(b)).toEqual([1, 10]);
    expect(gradientOf(c)).toEqual([1, 10]);
    expect(upstream.toArray()).toEqual([1, 10]);
  });

  test('refuses a gradient of another shape or dtype', () => {
    const x = leaf([1, 2]);
    expect(() => {
      x.grad = tensor([1, 2]);
    }).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: grad: a gradient has the shape and dtype of its tensor (x: float64[2], grad: float32[2]). Use grad.to('float64').]`,
    );
  });
});

describe('the graph', () => {
  test('is released by backward', () => {
    const x = leaf([1, 2]);
    const loss = sum(mul(x, x));
    loss.backward();
    const error = errorOf(() => loss.backward());
    expect(error.code).toBe('graph-released');
    expect(error.message).toMatchInlineSnapshot(
      `"backward: what mul (float64[2]) had saved was released by an earlier backward. Pass { retainGraph: true } to the first one."`,
    );
  });

  test('can be kept with retainGraph', () => {
    const x = leaf([1, 2]);
    const loss = sum(mul(x, x));
    loss.backward(undefined, { retainGraph: true });
    loss.backward();
    expect(gradientOf(x)).toEqual([4, 8]);
  });

  test('of 100,000 ops is walked without recursion', () => {
    const x = leaf(1);
    let y: Tensor = x;
    for (let i = 0; i < 100_000; i++) y = add(y, 1e-9);
    y.backward();
    expect(gradientOf(x)).toBe(1);
  });

  test('visits a diamond of diamonds once per node', () => {
    const x = leaf(1);
    let y: Tensor = x;
    for (let i = 0; i < 60; i++) y = add(y, y).mul(0.5);
    y.backward();
    expect(gradientOf(x)).toBe(1);
  });

  test('holds no gradients of constants', () => {
    const x = leaf([1, 2]);
    const constant = tensor([3, 4], { dtype: 'float64' });
    sum(mul(x, constant)).backward();
    expect(constant.grad).toBeUndefined();
  });
});

describe('double backward', () => {
  test('differentiates gradients made under createGraph', () => {
    const x = leaf([1, 2, 3]);
    const y = sum(mul(mul(x, x), x));
    const first = grad(y, x, { createGraph: true });
    expect(first.toArray()).toEqual([3, 12, 27]);
    const second = grad(sum(first), x, { createGraph: true });
    expect(second.toArray()).toEqual([6, 12, 18]);
    expect(grad(sum(second), x).toArray()).toEqual([6, 6, 6]);
  });

  test('works through .grad, as in a gradient penalty', () => {
    const x = leaf([1, 2]);
    sum(mul(mul(x, x), x)).backward(undefined, { createGraph: true });
    const penalty = sum(mul(x.grad as Tensor, x.grad as Tensor));
    x.grad = undefined;
    penalty.backward();
    // d/dx (3x²)² = 36x³
    expect(gradientOf(x)).toEqual([36, 288]);
  });

  test('needs createGraph', () => {
    const x = leaf(2);
    const first = grad(mul(x, x), x);
    expect(first.requiresGrad).toBe(false);
    expect(() => first.backward()).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: backward: the tensor does not require a gradient (root: float64[]). Nothing it was computed from has requiresGrad set, or it was computed under noGrad.]`,
    );
  });
});

describe('hooks', () => {
  test('see the whole gradient, once, and may replace it', () => {
    const x = leaf([1, 2]);
    const y = mul(x, 3);
    const seen: unknown[] = [];
    y.registerHook((gradient) => {
      seen.push(gradient.toArray());
      return gradient.mul(10);
    });
    add(sum(y), sum(mul(y, y))).backward();
    expect(seen).toEqual([[7, 13]]);
    expect(gradientOf(x)).toEqual([210, 390]);
  });

  test('work on leaves, in the order of registration, until removed', () => {
    const x = leaf(1);
    const remove = x.registerHook((gradient) => gradient.mul(2));
    x.registerHook((gradient) => gradient.add(1));
    mul(x, 5).backward();
    expect(gradientOf(x)).toBe(11);
    remove();
    x.grad = undefined;
    mul(x, 5).backward();
    expect(gradientOf(x)).toBe(6);
  });
});

describe('grad', () => {
  test('leaves .grad alone', () => {
    const x = leaf([1, 2]);
    expect(grad(sum(mul(x, x)), x).toArray()).toEqual([2, 4]);
    expect(x.grad).toBeUndefined();
  });

  test('answers for several inputs, results of ops among them', () => {
    const x = leaf(3);
    const y = mul(x, x);
    const [byX, byY] = grad(mul(y, 2), [x, y]);
    expect([byX?.item(), byY?.item()]).toEqual([12, 2]);
  });

  test('weights several outputs by their gradients', () => {
    const x = leaf([1, 2]);
    const gradOutputs = [tensor([1, 0], { dtype: 'float64' }), undefined];
    expect(grad([mul(x, 10), sum(x)], x, { gradOutputs }).toArray()).toEqual([11, 1]);
  });

  test('throws for an input that does not matter, or gives undefined if told so', () => {
    const [x, unused] = [leaf(1), leaf(2)];
    const error = errorOf(() => grad(mul(x, 2), [x, unused]));
    expect(error.code).toBe('not-differentiable');
    expect(error.message).toMatchInlineSnapshot(
      `"grad: the outputs do not depend on an input (input: float64[]). Pass allowUnused to get undefined instead."`,
    );
    const [byX, byUnused] = grad(mul(x, 2), [x, unused], { allowUnused: true });
    expect(byX?.item()).toBe(2);
    expect(byUnused).toBeUndefined();
  });

  test('throws for an input without requiresGrad', () => {
    expect(() => grad(leaf(1), tensor(1))).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: grad: an input does not require a gradient (input: float32[]). Set requiresGrad before using it.]`,
    );
  });
});

describe('backward refuses', () => {
  test('a tensor of several elements without a gradient', () => {
    const x = leaf([1, 2]);
    expect(() => mul(x, 2).backward()).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: backward: a gradient can only be implied for one element (root: float64[2]). Reduce it with sum() or mean(), or pass a gradient of its shape.]`,
    );
  });

  test('a gradient of another shape', () => {
    const x = leaf([1, 2]);
    expect(() => mul(x, 2).backward(tensor([1, 2, 3]))).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: backward: the gradient needs the shape of the tensor (root: float64[2], gradient: float32[3])]`,
    );
  });

  test('a tensor that depends on nothing that requires a gradient', () => {
    expect(() => tensor(1).backward()).toThrowErrorMatchingInlineSnapshot(
      `[TensorError: backward: the tensor does not require a gradient (root: float32[]). Nothing it was computed from has requiresGrad set, or it was computed under noGrad.]`,
    );
    const x = leaf(1);
    expect(() => noGrad(() => mul(x, 2)).backward()).toThrow('computed under noGrad');
  });
});

describe('a saved tensor that was changed in place', () => {
  test('is noticed, with the versions', () => {
    const weight = leaf([1, 2], 'float32');
    const loss = sum(mul(weight, weight));
    update('assign', { target: weight, source: tensor([3, 4]) });
    const error = errorOf(() => loss.backward());
    expect(error.code).toBe('modified-in-place');
    expect(error.message).toMatchInlineSnapshot(
      `"backward: "a" of mul, float32[2], was changed in place after it was saved (version 0, now 1). Call backward before the optimizer steps."`,
    );
  });

  test('is noticed through another tensor on the same memory', () => {
    const weight = randn([2, 3]).requireGrad();
    const loss = sum(mul(reshape(weight, [6]), 2).mul(reshape(weight, [6])));
    update('assign', { target: weight.detach(), source: randn([2, 3]) });
    expect(errorOf(() => loss.backward()).code).toBe('modified-in-place');
  });

  test('does not matter to an op that saved nothing', () => {
    const weight = leaf([1, 2]);
    const loss = sum(add(weight, 1));
    update('assign', { target: weight, source: tensor([3, 4]) });
    loss.backward();
    expect(gradientOf(weight)).toEqual([1, 1]);
  });
});
