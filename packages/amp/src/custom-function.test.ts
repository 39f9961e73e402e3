import { cpu } from '@halfgrad/backend-cpu';
import {
  type CustomFunction,
  customFunction,
  type DType,
  type HalfDType,
  matmul,
  setDefaultDevice,
  type Tensor,
  zeros,
} from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { autocast } from './autocast.ts';
import { autocastFunction, customForward } from './custom-function.ts';
import { autocastDType, isAutocastEnabled } from './region.ts';

setDefaultDevice(cpu);

const matrix = (dtype: DType = 'float32'): Tensor => zeros([2, 2], { dtype });

/** A product with a backward pass of its own, which notes what both passes see. */
function product(seen: unknown[]): CustomFunction<[a: Tensor, b: Tensor]> {
  return {
    name: 'product',
    forward(context, a, b) {
      seen.push(['forward', a.dtype, b.dtype, autocastDType()]);
      context.save({ a, b });
      return matmul(a, b);
    },
    backward({ a, b }, grad) {
      seen.push(['backward', grad.dtype, a?.dtype, autocastDType()]);
      return [matmul(grad, b as Tensor, { transposeB: true }), matmul(a as Tensor, grad, { transposeA: true })];
    },
  };
}

describe('a custom function under autocast', () => {
  test.each<HalfDType>(['float16', 'bfloat16'])(
    'runs both passes in the region of forward, %s, and gives float32 inputs float32 gradients (T-CF-01, A10.1, A10.3)',
    (dtype) => {
      const seen: unknown[] = [];
      const run = autocastFunction(product(seen));
      const [a, b] = [matrix().requireGrad(), matrix().requireGrad()];
      const y = autocast({ dtype }, () => run(a, b));
      y.sum().backward();
      expect([y.dtype, a.grad?.dtype]).toEqual([dtype, 'float32']);
      expect(seen).toEqual([
        ['forward', 'float32', 'float32', dtype],
        ['backward', dtype, 'float32', dtype],
      ]);
    },
  );

  test('casts its inputs and runs both passes with autocast off, if asked to (T-CF-02, A10.2, A10.4)', () => {
    const seen: unknown[] = [];
    const run = autocastFunction(product(seen), { castInputs: 'float32' });
    const [a, b] = [matrix('bfloat16').requireGrad(), matrix().requireGrad()];
    const y = autocast({ dtype: 'bfloat16' }, () => run(a, b));
    y.sum().backward();
    expect([y.dtype, a.grad?.dtype, b.grad?.dtype]).toEqual(['float32', 'bfloat16', 'float32']);
    expect(seen).toEqual([
      ['forward', 'float32', 'float32', undefined],
      ['backward', 'float32', 'float32', undefined],
    ]);
  });

  test('is an ordinary custom function outside of any region (A10.2)', () => {
    const seen: unknown[] = [];
    const run = autocastFunction(product(seen), { castInputs: 'float32' });
    expect(run(matrix('bfloat16').requireGrad(), matrix('bfloat16')).dtype).toBe('bfloat16');
    expect(seen).toEqual([['forward', 'bfloat16', 'bfloat16', undefined]]);
  });

  test('is what the error of a plain one that mixes dtypes recommends (A10.5)', () => {
    const run = customFunction(product([]));
    const y = autocast({}, () => run(matrix().requireGrad(), matrix()));
    expect(() => y.sum().backward()).toThrow(
      expect.objectContaining({
        code: 'dtype-mismatch',
        message: expect.stringMatching(/^product: .*autocastFunction/),
      }),
    );
  });

  test('leaves other errors of a plain one alone', () => {
    const run = customFunction<[Tensor]>({
      name: 'broken',
      forward: (_context, x) => x.mul(2),
      backward: () => {
        throw new RangeError('mine');
      },
    });
    const y = autocast({}, () => run(matrix().requireGrad()));
    expect(() => y.sum().backward()).toThrow(RangeError);
  });
});

describe('a function that autocast treats as one op', () => {
  const look = customForward({ castInputs: 'float32' }, (x: Tensor, nested: Readonly<Record<string, unknown>>) => ({
    isEnabled: isAutocastEnabled(),
    dtype: x.dtype,
    nested,
  }));
  const half = matrix('float16');

  test('sees tensors in nested containers cast, and nothing else changed (T-CF-02, A10.2)', () => {
    const date = new Date(0);
    const nested = { list: [half, [half]], text: 'x', integers: matrix('int32'), wide: matrix('float64'), date };
    const { isEnabled, dtype, nested: seen } = autocast({}, () => look(half, nested));
    expect([isEnabled, dtype]).toEqual([false, 'float32']);
    const [first, [second]] = seen['list'] as [Tensor, [Tensor]];
    expect([first.dtype, second.dtype]).toEqual(['float32', 'float32']);
    expect(seen).toMatchObject({ text: 'x', date });
    expect(seen['integers']).toBe(nested.integers);
    expect(seen['wide']).toBe(nested.wide);
  });

  test('is the function itself outside of any region', () => {
    const nested = { half };
    expect(look(half, nested)).toEqual({ isEnabled: false, dtype: 'float16', nested });
  });

  test('lets gradients through its casts (A1.3)', () => {
    const x = matrix('float16').requireGrad();
    autocast({}, () => customForward({ castInputs: 'float32' }, (y: Tensor) => y.sum())(x)).backward();
    expect(x.grad?.dtype).toBe('float16');
  });
});
