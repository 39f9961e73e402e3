import { encodeNumbers, finfo, formats, fromHost, linear, matmul, type Tensor } from '@halfgrad/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createWasmDevice, type WasmDevice } from '../index.ts';
import { blockDepth, blockRows } from './tile.ts';

const relaxed = createWasmDevice();
const separate = createWasmDevice({ relaxedSimd: 'avoid' });
const dtypes = ['float32', 'float16', 'bfloat16'] as const;

/** Leaves NaN all over the memory that the next tensors and workspaces get. */
function poison(device: WasmDevice): void {
  const sizes = Array.from({ length: 40 }, (_, i) => 2 ** (4 + i / 4));
  const poisoned = sizes.map((size) => device.upload(new Float32Array(size).fill(Number.NaN), spec(size)));
  for (const tensor of poisoned) device.free(tensor);
}

function spec(size: number) {
  return { shape: [Math.floor(size)], dtype: 'float32' } as const;
}

/** Deterministic values in [−1, 1), rounded to the dtype. */
function matrix(shape: readonly number[], seed: number, dtype: (typeof dtypes)[number], device: WasmDevice): Tensor {
  let state = seed | 1;
  const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return (state >> 8) / 2 ** 23;
  });
  return fromHost(encodeNumbers(values, dtype), shape, { dtype, device });
}

/** Whether every element is the exact sum of products, up to k roundings of the sum of magnitudes and one of the result. */
function expectProduct(
  actual: Tensor,
  rows: number,
  columns: number,
  k: number,
  term: (i: number, j: number, p: number) => number,
  start: (j: number) => number = () => 0,
): void {
  const values = actual.dataSync();
  const unit = actual.dtype === 'float32' ? 0 : 2 ** -formats[actual.dtype as 'float16'].mantissaBits;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = start(j);
      let magnitude = Math.abs(sum);
      for (let p = 0; p < k; p++) {
        const product = term(i, j, p);
        sum += product;
        magnitude += Math.abs(product);
      }
      const bound =
        (k + 1) * finfo('float32').eps * magnitude + unit * Math.abs(sum) + finfo(actual.dtype).smallestSubnormal;
      const error = Math.abs(values[i * columns + j]! - sum);
      if (!(error <= bound)) expect.fail(`C[${i},${j}] of ${rows}×${columns}×${k} is off by ${error}, bound ${bound}`);
    }
  }
}

/** Around the borders of tiles and blocks. */
const small = fc.integer({ min: 1, max: 40 });
const inner = fc.oneof(small, fc.constantFrom(blockDepth - 1, blockDepth, blockDepth + 5, 2 * blockDepth + 3));
const outer = fc.oneof({ weight: 8, arbitrary: small }, fc.constantFrom(blockRows - 1, blockRows + 7));

describe.each([
  ...dtypes.map((dtype) => ({ dtype, device: relaxed, simd: 'relaxed' })),
  ...dtypes.map((dtype) => ({ dtype, device: separate, simd: 'strict' })),
])('the product of $dtype matrices in $simd SIMD', ({ dtype, device }) => {
  test('is the sum of products, for any sizes and both orders of either operand', () => {
    fc.assert(
      fc.property(
        outer,
        small,
        inner,
        fc.boolean(),
        fc.boolean(),
        fc.integer(),
        (m, n, k, transposeA, transposeB, seed) => {
          poison(device);
          const a = matrix(transposeA ? [k, m] : [m, k], seed, dtype, device);
          const b = matrix(transposeB ? [n, k] : [k, n], seed + 1, dtype, device);
          const c = matmul(a, b, { transposeA, transposeB });
          const [left, right] = [a.dataSync(), b.dataSync()];
          expectProduct(c, m, n, k, (i, j, p) => {
            return left[transposeA ? p * m + i : i * k + p]! * right[transposeB ? j * k + p : p * n + j]!;
          });
          for (const tensor of [a, b, c]) tensor.dispose();
        },
      ),
      { numRuns: 60 },
    );
  });

  test('has the bias of a linear layer in every row', () => {
    fc.assert(
      fc.property(small, small, inner, fc.integer(), (m, n, k, seed) => {
        poison(device);
        const [x, weight, bias] = [
          matrix([m, k], seed, dtype, device),
          matrix([n, k], seed + 1, dtype, device),
          matrix([n], seed + 2, dtype, device),
        ];
        const out = linear(x, weight, bias);
        const [left, right, offsets] = [x.dataSync(), weight.dataSync(), bias.dataSync()];
        expectProduct(
          out,
          m,
          n,
          k,
          (i, j, p) => left[i * k + p]! * right[j * k + p]!,
          (j) => offsets[j]!,
        );
        for (const tensor of [x, weight, bias, out]) tensor.dispose();
      }),
      { numRuns: 40 },
    );
  });

  test('is computed for every matrix of a batch that broadcasts', () => {
    for (const [aBatch, bBatch, transposeA] of [
      [[2, 3], [3], false],
      [[2, 1], [1, 3], false],
      [[3], [], true],
      [[4], [], false],
      [[], [2, 2], false],
    ] as const) {
      const [m, n, k] = [5, 7, 9];
      const a = matrix([...aBatch, ...(transposeA ? [k, m] : [m, k])], 1, dtype, device);
      const b = matrix([...bBatch, k, n], 2, dtype, device);
      const batched = matmul(a, b, { transposeA });
      const [wideA, wideB] = [
        a.expand([...batched.shape.slice(0, -2), ...a.shape.slice(-2)]),
        b.expand([...batched.shape.slice(0, -2), k, n]),
      ];
      const [left, right] = [wideA.dataSync(), wideB.dataSync()];
      const rows = batched.size / n;
      expectProduct(batched, rows, n, k, (row, j, p) => {
        const [matrixIndex, i] = [Math.floor(row / m), row % m];
        return (
          left[matrixIndex * m * k + (transposeA ? p * m + i : i * k + p)]! * right[matrixIndex * k * n + p * n + j]!
        );
      });
    }
  });
});

test('an infinity or a NaN reaches its own row and column only', () => {
  const a = matrix([13, 300], 1, 'float32', relaxed);
  const values = Float32Array.from(a.dataSync());
  values[2 * 300 + 5] = Number.NaN;
  const c = matmul(
    fromHost(values, [13, 300], { device: relaxed }),
    matrix([300, 11], 2, 'float32', relaxed),
  ).dataSync();
  expect(Array.from(c, Number.isNaN)).toEqual(Array.from({ length: 13 * 11 }, (_, i) => Math.floor(i / 11) === 2));
});
