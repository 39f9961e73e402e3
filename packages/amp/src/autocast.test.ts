import { cpu } from '@halfgrad/backend-cpu';
import {
  binaryCrossEntropy,
  checkpoint,
  concat,
  conv2d,
  crossEntropy,
  type DType,
  exp,
  gelu,
  layerNorm,
  linear,
  logSoftmax,
  matmul,
  mseLoss,
  noGrad,
  relu,
  scope,
  setDefaultDevice,
  softmax,
  square,
  type Tensor,
  tensor,
  update,
  zeros,
} from '@halfgrad/core';
import { describe, expect, test } from 'vitest';
import { autocast } from './autocast.ts';
import { cpuPolicy } from './policies.ts';
import { autocastDType, isAutocastEnabled } from './region.ts';

setDefaultDevice(cpu);

const matrix = (dtype: DType = 'float32'): Tensor => zeros([4, 4], { dtype });

describe('the accelerator policy (AMP.md A4)', () => {
  const results: readonly [string, (x: Tensor) => Tensor, DType, DType][] = [
    ['matmul', (x) => matmul(x, matrix()), 'float16', 'float16'],
    ['linear', (x) => linear(x, matrix(), zeros([4])), 'float16', 'float16'],
    ['conv2d', (x) => conv2d(x.reshape([1, 4, 2, 2]), zeros([3, 4, 1, 1])), 'float16', 'float16'],
    ['exp', exp, 'float32', 'float32'],
    ['square', square, 'float32', 'float32'],
    ['softmax', (x) => softmax(x, 1), 'float32', 'float32'],
    ['softmax with a dtype', (x) => softmax(x, 1, { dtype: 'float64' }), 'float64', 'float64'],
    ['sum', (x) => x.sum(), 'float32', 'float32'],
    ['mean', (x) => x.mean(), 'float32', 'float16'],
    ['gelu', (x) => gelu(x), 'float32', 'float16'],
    ['relu', relu, 'float32', 'float16'],
    ['add', (x) => x.add(x), 'float32', 'float16'],
    ['add float32', (x) => x.add(matrix()), 'float32', 'float32'],
    ['x / 2', (x) => x.div(2), 'float32', 'float16'],
    ['1 / x', (x) => x.reciprocal(), 'float32', 'float32'],
    ['layerNorm', (x) => layerNorm(x, [4]), 'float32', 'float32'],
    ['mseLoss', (x) => mseLoss(x, matrix()), 'float32', 'float32'],
    ['crossEntropy', (x) => crossEntropy(x, zeros([4], { dtype: 'int32' })), 'float32', 'float32'],
  ];

  test.each(results)('%s', (_name, op, fromFloat32, fromFloat16) => {
    const dtypes = autocast({}, () => [op(matrix()).dtype, op(matrix('float16')).dtype]);
    expect(dtypes).toEqual([fromFloat32, fromFloat16]);
  });

  test('equals casting the inputs by hand, bit for bit (T-OP-01, T-OP-02, T-OP-06)', () => {
    const x = tensor([0.1, 1 / 3, -2.7, 1e-5], { shape: [2, 2] });
    const inside = autocast({ dtype: 'bfloat16' }, () => matmul(x, x));
    const byHand = matmul(x.to('bfloat16'), x.to('bfloat16'));
    expect(inside.toArray()).toEqual(byHand.toArray());
  });

  test('leaves float64, integers and plain numbers alone (A1.1, T-OP-10)', () => {
    expect(autocast({}, () => matmul(matrix('float64'), matrix('float64')).dtype)).toBe('float64');
    expect(autocast({}, () => matmul(matrix('int32'), matrix('int32')).dtype)).toBe('int32');
    expect(autocast({}, () => matrix('float16').mul(0.1).dtype)).toBe('float16');
  });

  test('refuses binary cross entropy and says what to use (A11, T-OP-09)', () => {
    const p = zeros([2]);
    expect(() => autocast({}, () => binaryCrossEntropy(p, p))).toThrow(/Use binaryCrossEntropyWithLogits/);
    expect(() => autocast({}, () => autocast({ enabled: false }, () => binaryCrossEntropy(p, p)))).not.toThrow();
  });
});

describe('what a cast leaves alone', () => {
  test('is an input that has the dtype already (A1.5), and the result after the region (A1.6)', () => {
    const x = matrix('float16').requireGrad();
    const y = autocast({}, () => matmul(x, x));
    expect(y.slot.origin?.inputs[0]).toBe(x.slot);
    expect(() => matmul(y, matrix())).toThrow(expect.objectContaining({ code: 'dtype-mismatch' }) as Error);
  });

  test('is what is no leaf, has no gradient or is 16 bit already: those are cast on each use, uncached (A8.3)', () => {
    const w = matrix().requireGrad();
    const castOf = (weight: Tensor): unknown => matmul(w, weight).slot.origin?.inputs[1];
    const derived = w.mul(2);
    autocast({}, () => {
      expect(castOf(derived)).not.toBe(castOf(derived));
      expect(castOf(w)).toBe(castOf(w));
    });
  });

  test('is a product or a quotient, while powers and reciprocals widen (A4.1); a mean stays narrow (A4.2)', () => {
    const x = matrix('float16');
    const dtypes = autocast({}, () => [x.mul(x), x.div(2), x.pow(2), x.reciprocal(), x.mean()].map((y) => y.dtype));
    expect(dtypes).toEqual(['float16', 'float16', 'float32', 'float32', 'float16']);
  });
});

test('gives the same in two regions one after the other (T-OP-14)', () => {
  const x = tensor([0.1, 1 / 3, -2.7, 1e-5], { shape: [2, 2] });
  const product = (): unknown => autocast({}, () => matmul(x, x)).toArray();
  expect(product()).toEqual(product());
});

test('concatenates what it does not cast (T-OP-15)', () => {
  expect(autocast({ policy: cpuPolicy }, () => concat([matrix('int32'), matrix('int32')]).dtype)).toBe('int32');
  expect(autocast({ policy: cpuPolicy }, () => concat([matrix('float64'), matrix('float64')]).dtype)).toBe('float64');
});

test('is float16 unless told otherwise (A7.2, T-OP-17)', () => {
  expect(autocast({}, autocastDType)).toBe('float16');
});

describe('regions (AMP.md A7)', () => {
  const product = (): DType => matmul(matrix(), matrix()).dtype;

  test('nest, switch off inside and come back (A7.6, A7.8)', () => {
    const seen = autocast({}, () => [
      product(),
      autocast({ dtype: 'bfloat16' }, product),
      autocast({ enabled: false }, product),
      product(),
    ]);
    expect([...seen, product()]).toEqual(['float16', 'bfloat16', 'float32', 'float16', 'float32']);
  });

  test('end when the body throws (A7.6)', () => {
    expect(() =>
      autocast({}, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(isAutocastEnabled()).toBe(false);
    expect(autocastDType()).toBeUndefined();
  });

  test('refuse a body that returns a promise (A7.14)', () => {
    expect(() => autocast({}, () => Promise.resolve())).toThrow(
      expect.objectContaining({ code: 'async-callback' }) as Error,
    );
    expect(isAutocastEnabled()).toBe(false);
  });

  test('do not reach into backward: gradients run in the dtypes forward chose (A9.1)', () => {
    const w = matrix().requireGrad();
    const loss = autocast({}, () => matmul(matrix(), w).sum());
    autocast({ dtype: 'bfloat16' }, () => loss.backward());
    expect(w.grad?.dtype).toBe('float32');
  });

  test('are the same when a checkpoint runs again (A9.6, T-CK-01)', () => {
    const x = tensor([[0.1, 0.9]]);
    const gradientOf = (run: (body: () => Tensor) => Tensor): unknown => {
      const w = tensor([0.3, 0.7, 1.1, -0.2], { shape: [2, 2], requiresGrad: true });
      autocast({}, () => run(() => gelu(matmul(matmul(x, w), w))))
        .sum()
        .backward();
      return w.grad?.toArray();
    };
    expect(gradientOf(checkpoint)).toEqual(gradientOf((body) => body()));
  });
});

describe('the weight cache (AMP.md A8)', () => {
  const inputsOf = (y: Tensor): unknown => y.slot.origin?.inputs[1];

  test('casts a weight once per region (A8.1, T-CA-02)', () => {
    const w = matrix().requireGrad();
    const [a, b] = autocast({}, () => [matmul(matrix(), w), matmul(matrix(), w)]);
    expect(inputsOf(a)).toBe(inputsOf(b));
    const [c, d] = autocast({ cacheEnabled: false }, () => [matmul(matrix(), w), matmul(matrix(), w)]);
    expect(inputsOf(c)).not.toBe(inputsOf(d));
  });

  test('casts it once also if backward runs between two uses, inside or outside of the region (T-CA-01, T-CA-06)', () => {
    const w = tensor([[2]], { requiresGrad: true });
    autocast({}, () => {
      for (let use = 0; use < 3; use++)
        matmul(tensor([[1]]), w)
          .sum()
          .backward();
    });
    const [y, z] = autocast({}, () => [matmul(tensor([[1]]), w), matmul(tensor([[1]]), w)]);
    y.sum().backward();
    expect(inputsOf(y)).toBe(inputsOf(z));
    expect(w.grad?.item()).toBe(4);
  });

  test('does not grow under noGrad, however often a weight is used (T-CA-03)', () => {
    const w = matrix().requireGrad();
    autocast({}, () =>
      noGrad(() => {
        const [first, , third] = [1, 2, 3].map(() => {
          scope(() => void matmul(matrix(), w));
          return cpu.memory().liveBytes;
        });
        expect(third).toBeLessThanOrEqual(first as number);
      }),
    );
  });

  test('gives gradients to a weight that is used without and with them in turns (T-CA-07)', () => {
    const w = matrix().requireGrad();
    const use = (): Tensor => matmul(matrix(), w);
    const outs = autocast({}, () => [noGrad(use), use(), noGrad(use), use()]);
    expect(outs.map(({ requiresGrad }) => requiresGrad)).toEqual([false, true, false, true]);
    outs[1]
      ?.sum()
      .add(outs[3]?.sum() as Tensor)
      .backward();
    expect(w.grad).toBeDefined();
  });

  test('sees a weight that was changed in place (A8.6.1)', () => {
    const w = tensor([[1]], { requiresGrad: true });
    const x = tensor([[1]]);
    const seen = autocast({}, () => {
      const before = matmul(x, w).item();
      update('assign', { target: w, source: tensor([[2]]) });
      return [before, matmul(x, w).item()];
    });
    expect(seen).toEqual([1, 2]);
  });

  test('keeps dtypes apart (A8.6.2)', () => {
    const w = matrix().requireGrad();
    const dtypes = autocast({ dtype: 'bfloat16' }, () => [
      matmul(matrix(), w).dtype,
      autocast({ dtype: 'float16' }, () => matmul(matrix(), w).dtype),
    ]);
    expect(dtypes).toEqual(['bfloat16', 'float16']);
  });

  test('keeps the history of a cast made under noGrad (A8.5)', () => {
    const w = matrix().requireGrad();
    const y = autocast({}, () => {
      noGrad(() => matmul(matrix(), w));
      return matmul(matrix(), w);
    });
    y.sum().backward();
    expect(w.grad).toBeDefined();
  });

  test('adds the gradients of several uses in float32: 256 + 1 is 257, not 256 (A8.6.4)', () => {
    const w = tensor([[1]], { requiresGrad: true });
    const loss = autocast({ dtype: 'bfloat16' }, () => matmul(tensor([[256]]), w).add(matmul(tensor([[1]]), w)));
    loss.sum().backward();
    expect(w.grad?.item()).toBe(257);
  });
});

test('saves activations in 16 bit (A1.3)', () => {
  const w = matrix().requireGrad();
  const y = autocast({}, () => matmul(matrix(), w));
  expect(y.slot.origin?.saved.map(({ dtype }) => dtype)).toEqual(['float16', 'float16']);
});

test('keeps softmax inputs narrow and computes it in float32 (A1, A9.1)', () => {
  const x = matrix('float16').requireGrad();
  const y = autocast({}, () => logSoftmax(x, 1));
  y.sum().backward();
  expect([y.dtype, x.grad?.dtype]).toEqual(['float32', 'float16']);
});
