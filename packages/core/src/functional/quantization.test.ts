import { cpu } from '@halfgrad/backend-cpu';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  add,
  cast,
  concat,
  dequantize,
  fakeQuantize,
  finfo,
  grad,
  ones,
  quantize,
  reshape,
  setDefaultDevice,
  sum,
  type TensorError,
  tensor,
  where,
  zeros,
} from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

const dtypes = fc.constantFrom('float8_e4m3fn' as const, 'float8_e5m2' as const);
const finite = fc.array(fc.float({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });

describe('quantize', () => {
  test('scales the largest magnitude to the largest number, and errs by half a unit at most', () => {
    fc.assert(
      fc.property(dtypes, finite, (dtype, values) => {
        const x = tensor(values);
        const quantized = quantize(x, dtype);
        const { eps, smallestSubnormal } = finfo(dtype);
        const scale = quantized.scale.item();
        const largest = Math.max(...values.map(Math.abs));
        fc.pre(largest === 0 || largest > 1e-30);
        const stored = Array.from(quantized.values.dataSync(), Math.abs);
        expect(Math.max(...stored)).toBe(largest === 0 ? 0 : finfo(dtype).max);
        // Half a unit in the last place of the 8 bits, and the roundings of the division and the product.
        const back = dequantize(quantized).dataSync();
        Array.from(x.dataSync()).forEach((value, i) => {
          const bound = Math.abs(value) * (eps / 2 + 4 * finfo('float32').eps) + (scale * smallestSubnormal) / 2;
          expect(Math.abs((back[i] as number) - value)).toBeLessThanOrEqual(bound);
        });
      }),
    );
  });

  test('takes a scale, and saturates beyond it', () => {
    const { values } = quantize(tensor([1, 1000]), 'float8_e4m3fn', { scale: tensor(1) });
    expect(values.toArray()).toEqual([1, 448]);
    expect(() => quantize(ones([2]), 'float8_e5m2', { scale: ones([2]) })).toThrow('one float32 number');
  });

  test('leaves zeros, and nothing, with a scale of 1', () => {
    expect(quantize(zeros([3]), 'float8_e5m2').scale.item()).toBe(1);
    expect(quantize(zeros([0]), 'float8_e5m2').scale.item()).toBe(1);
  });
});

test('fakeQuantize rounds, and passes gradients as if it had not', () => {
  const x = tensor([0.3, -1, 0.77]).requireGrad();
  const rounded = fakeQuantize(x, 'float8_e4m3fn');
  expect(rounded.toArray()).toEqual(dequantize(quantize(x, 'float8_e4m3fn')).toArray());
  expect(grad(sum(rounded), x).toArray()).toEqual([1, 1, 1]);
});

describe('8-bit floats', () => {
  const x = () => cast(tensor([1, 0.5]), 'float8_e4m3fn');

  test('can be moved and cast, also by a number of NaN or overflow', () => {
    expect(concat([reshape(x(), [1, 2]), reshape(x(), [1, 2])]).toArray()).toEqual([
      [1, 0.5],
      [1, 0.5],
    ]);
    expect(x().to('float16').dtype).toBe('float16');
    expect(tensor([1e9]).to('float8_e4m3fn').toArray()).toEqual([Number.NaN]);
    expect(tensor([1e9]).to('float8_e4m3fn', { saturate: true }).toArray()).toEqual([448]);
  });

  test.each([
    ['compute', () => add(x(), x())],
    ['mix', () => add(x(), tensor([1, 2]))],
    ['choose', () => where(tensor([true, false]), x(), x())],
    ['name as the dtype of a sum', () => sum(tensor([1]), undefined, { dtype: 'float8_e5m2' })],
    ['join with others', () => concat([x(), tensor([1])])],
  ])('refuse to %s (AMP.md D4.8)', (_, use) => {
    let error: unknown;
    try {
      use();
    } catch (thrown) {
      error = thrown;
    }
    expect((error as TensorError).code).toBe('dtype-mismatch');
  });

  test('have no gradient', () => {
    expect(() => x().requireGrad()).toThrow('only floating-point tensors have gradients');
  });
});
