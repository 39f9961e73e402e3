import { cpu } from '@halfgrad/backend-cpu';
import { type Device, type DType, finfo, Generator, matmul, randn, type Tensor } from '@halfgrad/core';
import { describeDevice } from '@halfgrad/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openGpu } from './index.ts';

await describeDevice('matrix products', openGpu, (gpu) => {
  const sizes = fc.integer({ min: 1, max: 70 });
  const batches = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 });
  const dtypes = fc.constantFrom<DType>('float32', 'float16', 'bfloat16');

  test('agree with the reference device for any size, transposition and batch', async () => {
    const products = fc.record({
      m: sizes,
      k: sizes,
      n: sizes,
      batch: batches,
      transposeA: fc.boolean(),
      transposeB: fc.boolean(),
      sharesB: fc.boolean(),
      dtype: dtypes,
    });
    const property = fc.asyncProperty(products, async ({ m, k, n, batch, transposeA, transposeB, sharesB, dtype }) => {
      const multiply = (device: Device): Tensor => {
        const generator = new Generator(1);
        const a = randn([...batch, ...(transposeA ? [k, m] : [m, k])], { dtype, device, generator });
        const b = randn([...(sharesB ? [] : batch), ...(transposeB ? [n, k] : [k, n])], { dtype, device, generator });
        return matmul(a, b, { transposeA, transposeB });
      };
      await expectAgreement(multiply(gpu), multiply(cpu), dtype, k);
    });
    await fc.assert(property, { numRuns: 40, seed: 1 });
  });

  test('agree with it where the operands do not fit into textures of rows', async () => {
    const multiply = (device: Device): Tensor => {
      const generator = new Generator(1);
      const a = randn([9000, 2, 3], { device, generator });
      return matmul(a, randn([9000, 3, 2], { device, generator }));
    };
    await expectAgreement(multiply(gpu), multiply(cpu), 'float32', 3);
  });
});

/** Sums of `terms` products of numbers below 5 in any order, rounded once to the dtype. */
async function expectAgreement(actual: Tensor, expected: Tensor, dtype: DType, terms: number): Promise<void> {
  expect(actual.shape).toEqual(expected.shape);
  const [values, references] = await Promise.all([actual.data(), expected.data()]);
  const summing = 2 * terms * finfo('float32').eps * terms * 5 ** 2;
  for (let i = 0; i < references.length; i++) {
    const rounding = Math.abs(references[i]!) * finfo(dtype).eps;
    expect(Math.abs(values[i]! - references[i]!)).toBeLessThanOrEqual(summing + rounding);
  }
}
