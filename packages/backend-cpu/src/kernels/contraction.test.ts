import {
  type Attrs,
  type DType,
  dispatch,
  encodeNumbers,
  finfo,
  fromHost,
  linear,
  matmul,
  permute,
  sizeOf,
  stridesOf,
  type Tensor,
} from '@halfgrad/core';
import fc, { type Arbitrary } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cpu } from '../index.ts';

const load = (values: ArrayLike<number>, shape: readonly number[], dtype: DType = 'float32'): Tensor =>
  fromHost(encodeNumbers(values, dtype), shape, { dtype, device: cpu });

/** Numbers whose products and sums need rounding. */
const values = (length: number): Arbitrary<Float32Array> =>
  fc.float32Array({ minLength: length, maxLength: length, min: -100, max: 100, noNaN: true });

/** C += A · B as its documentation says: float32 products and sums, k ascending. */
function multiplyAddOracle(
  [m, n, k]: readonly [number, number, number],
  a: (i: number, p: number) => number,
  b: (p: number, j: number) => number,
): Float32Array {
  const c = new Float32Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum = Math.fround(sum + Math.fround(a(i, p) * b(p, j)));
      c[i * n + j] = sum;
    }
  }
  return c;
}

const size = fc.integer({ min: 0, max: 9 });

const product = fc
  .record({ m: size, n: size, k: size })
  .chain((sizes) =>
    fc.record({ sizes: fc.constant(sizes), a: values(sizes.m * sizes.k), b: values(sizes.k * sizes.n) }),
  );

describe('a matrix product', () => {
  test('has the bits of float32 products added with k ascending', () => {
    fc.assert(
      fc.property(product, ({ sizes: { m, n, k }, a, b }) => {
        const expected = multiplyAddOracle(
          [m, n, k],
          (i, p) => a[i * k + p]!,
          (p, j) => b[p * n + j]!,
        );
        expect(matmul(load(a, [m, k]), load(b, [k, n])).dataSync()).toEqual(expected);
      }),
    );
  });

  test.each(['float64', 'float32', 'float16', 'bfloat16', 'int32', 'uint8'] as const)(
    'of %s with flags is the product of explicit transposes',
    (dtype) => {
      fc.assert(
        fc.property(product, fc.boolean(), fc.boolean(), ({ sizes: { m, n, k }, a, b }, transposeA, transposeB) => {
          const left = load(a, transposeA ? [k, m] : [m, k], dtype);
          const right = load(b, transposeB ? [n, k] : [k, n], dtype);
          const plain = matmul(transposeA ? permute(left, [1, 0]) : left, transposeB ? permute(right, [1, 0]) : right);
          expect(matmul(left, right, { transposeA, transposeB }).dataSync()).toEqual(plain.dataSync());
        }),
      );
    },
  );

  test('of a batch is the product of its members, repeated where the other batch is larger', () => {
    const [a, b] = [values(2 * 3 * 5), values(4 * 1 * 5 * 2)];
    fc.assert(
      fc.property(a, b, (left, right) => {
        const out = matmul(load(left, [2, 3, 5]), load(right, [4, 1, 5, 2]));
        expect(out.shape).toEqual([4, 2, 3, 2]);
        const members = [0, 1, 2, 3].flatMap((i) =>
          [0, 1].flatMap((j) => {
            const [x, y] = [left.subarray(j * 15, (j + 1) * 15), right.subarray(i * 10, (i + 1) * 10)];
            return [...matmul(load(x, [3, 5]), load(y, [5, 2])).dataSync()];
          }),
        );
        expect([...out.dataSync()]).toEqual(members);
      }),
    );
  });

  test('keeps the infinities of one member out of the next', () => {
    const [a, b] = [load([1, 1], [2, 1, 1]), load([Number.POSITIVE_INFINITY, 1], [2, 1, 1])];
    expect([...matmul(a, b).dataSync()]).toEqual([Number.POSITIVE_INFINITY, 1]);
  });

  test('of integers wraps around', () => {
    const x = load([2 ** 30, 2 ** 30, 5], [1, 3], 'int32');
    const y = load([4, 3, 7], [3, 1], 'int32');
    expect(matmul(x, y).item()).toBe((2 ** 30 * 3 + 35) | 0);
  });

  test('with a weight and a bias adds the bias before it rounds to 16 bits', () => {
    // The product is 2049, which float16 has not; rounded to 2048 before the bias is added, it would stay there.
    const x = load([2048, 1], [1, 2], 'float16');
    const out = linear(x, load([1, 1], [1, 2], 'float16'), load([1], [1], 'float16'));
    expect(out.item()).toBe(2050);
  });
});

/** Every index into `shape`, in row-major order. */
function indices(shape: readonly number[]): number[][] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) =>
    stridesOf(shape).map((stride, dim) => Math.floor(flat / stride) % (shape[dim] as number)),
  );
}

const at = (index: readonly number[], shape: readonly number[]): number =>
  stridesOf(shape).reduce((sum, stride, dim) => sum + stride * index[dim]!, 0);

interface ConvolutionSample {
  readonly attrs: Attrs<'convolution'>;
  readonly xShape: readonly number[];
  readonly weightShape: readonly number[];
  readonly outShape: readonly number[];
}

const perDim = (rank: number, min: number, max: number): Arbitrary<number[]> =>
  fc.array(fc.integer({ min, max }), { minLength: rank, maxLength: rank });

const convolutions: Arbitrary<ConvolutionSample> = fc
  .integer({ min: 1, max: 3 })
  .chain((rank) =>
    fc.record({
      kernel: perDim(rank, 1, 3),
      extra: perDim(rank, 0, 3),
      stride: perDim(rank, 1, 3),
      padding: perDim(rank, 0, 2),
      dilation: perDim(rank, 1, 2),
      groups: fc.integer({ min: 1, max: 2 }),
      batch: fc.integer({ min: 0, max: 2 }),
      channels: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 3 })),
    }),
  )
  .map(({ kernel, extra, stride, padding, dilation, groups, batch, channels: [inputs, outputs] }) => {
    const reach = kernel.map((k, d) => dilation[d]! * (k - 1) + 1);
    const input = reach.map((r, d) => Math.max(r - 2 * padding[d]!, 1) + extra[d]!);
    const output = input.map((n, d) => Math.floor((n + 2 * padding[d]! - reach[d]!) / stride[d]!) + 1);
    return {
      attrs: { stride, padding, dilation, groups },
      xShape: [batch, inputs * groups, ...input],
      weightShape: [outputs * groups, inputs, ...kernel],
      outShape: [batch, outputs * groups, ...output],
    };
  });

/** Calls `visit` with the places of every input, weight and output element that are multiplied in a convolution. */
function eachTap(
  { attrs: { stride, padding, dilation, groups }, xShape, weightShape, outShape }: ConvolutionSample,
  visit: (x: number, weight: number, out: number) => void,
): void {
  for (const [n, o, ...position] of indices(outShape) as [number, number, ...number[]][]) {
    const group = Math.floor(o / (weightShape[0]! / groups));
    for (const [c, ...tap] of indices(weightShape.slice(1)) as [number, ...number[]][]) {
      const place = position.map((p, d) => p * stride[d]! - padding[d]! + tap[d]! * dilation[d]!);
      if (place.some((p, d) => p < 0 || p >= xShape[d + 2]!)) continue;
      visit(
        at([n, group * weightShape[1]! + c, ...place], xShape),
        at([o, c, ...tap], weightShape),
        at([n, o, ...position], outShape),
      );
    }
  }
}

describe('a convolution in one to three dimensions', () => {
  const sampled = convolutions.chain((sample) =>
    fc.record({
      sample: fc.constant(sample),
      x: values(sizeOf(sample.xShape)),
      weight: values(sizeOf(sample.weightShape)),
      grad: values(sizeOf(sample.outShape)),
    }),
  );

  test('has the bits of float32 products added by input channel, then kernel element', () => {
    fc.assert(
      fc.property(sampled, ({ sample, x, weight }) => {
        const expected = new Float32Array(sizeOf(sample.outShape));
        eachTap(sample, (i, w, o) => {
          expected[o] = Math.fround(expected[o]! + Math.fround(x[i]! * weight[w]!));
        });
        const inputs = { x: load(x, sample.xShape), weight: load(weight, sample.weightShape), bias: undefined };
        const out = dispatch('convolution', inputs, sample.attrs);
        expect(out.shape).toEqual(sample.outShape);
        expect(out.dataSync()).toEqual(expected);
      }),
    );
  });

  test('has a weight gradient with the bits of products added by sample, then output position', () => {
    fc.assert(
      fc.property(sampled, ({ sample, x, grad }) => {
        const expected = new Float32Array(sizeOf(sample.weightShape));
        eachTap(sample, (i, w, o) => {
          expected[w] = Math.fround(expected[w]! + Math.fround(grad[o]! * x[i]!));
        });
        const inputs = { gradOut: load(grad, sample.outShape), x: load(x, sample.xShape) };
        const attrs = { ...sample.attrs, size: sample.weightShape.slice(2) };
        expect(dispatch('convolutionWeightGrad', inputs, attrs).dataSync()).toEqual(expected);
      }),
    );
  });

  test('has an input gradient that sums weights times gradients', () => {
    fc.assert(
      fc.property(sampled, ({ sample, weight, grad }) => {
        const expected = new Float64Array(sizeOf(sample.xShape));
        const magnitude = new Float64Array(expected.length);
        eachTap(sample, (i, w, o) => {
          expected[i]! += weight[w]! * grad[o]!;
          magnitude[i]! += Math.abs(weight[w]! * grad[o]!);
        });
        const inputs = { gradOut: load(grad, sample.outShape), weight: load(weight, sample.weightShape) };
        const attrs = { ...sample.attrs, size: sample.xShape.slice(2) };
        const out = dispatch('convolutionInputGrad', inputs, attrs).dataSync();
        // As many roundings as a sum may have terms, each of a partial sum no larger than the magnitudes together.
        const steps = 2 * sizeOf(sample.weightShape);
        expected.forEach((value, i) => {
          const bound = steps * finfo('float32').eps * magnitude[i]! + finfo('float32').smallestNormal;
          expect(Math.abs(out[i]! - value)).toBeLessThanOrEqual(bound);
        });
      }),
    );
  });

  test('adds its bias to every position of a channel', () => {
    const x = load([1, 2, 3, 4], [1, 1, 2, 2]);
    const weight = load([1, 10], [2, 1, 1, 1]);
    const attrs = { stride: [1, 1], padding: [0, 0], dilation: [1, 1], groups: 1 };
    const out = dispatch('convolution', { x, weight, bias: load([0.5, -0.5], [2]) }, attrs);
    expect([...out.dataSync()]).toEqual([1.5, 2.5, 3.5, 4.5, 9.5, 19.5, 29.5, 39.5]);
  });
});
