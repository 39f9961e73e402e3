import { inspect } from 'node:util';
import { cpu } from '@halfgrad/backend-cpu';
import { beforeEach, expect, test } from 'vitest';
import { arange, ones, setDefaultDevice, tensor } from '../index.ts';

beforeEach(() => setDefaultDevice(cpu));

test('prints numbers and vectors on one line, with the dtype unless it is float32', () => {
  expect(String(tensor(1.5))).toMatchInlineSnapshot(`"tensor(1.5)"`);
  expect(String(tensor([1, 2.5, -3]))).toMatchInlineSnapshot(`"tensor([  1, 2.5,  -3])"`);
  expect(String(tensor([1, 0.1], { dtype: 'float16' }))).toMatchInlineSnapshot(
    `"tensor([       1, 0.099976], dtype=float16)"`,
  );
  expect(String(tensor([true, false]))).toMatchInlineSnapshot(`"tensor([ true, false], dtype=bool)"`);
  expect(String(arange(5))).toMatchInlineSnapshot(`"tensor([0, 1, 2, 3, 4], dtype=int32)"`);
});

test('aligns the columns of a matrix', () => {
  expect(
    String(
      tensor([
        [1, 1000],
        [-0.5, 123.456789],
      ]),
    ),
  ).toMatchInlineSnapshot(`
    "tensor([[     1,   1000],
            [  -0.5, 123.46]])"
  `);
});

test('sets matrices apart', () => {
  expect(String(arange(12).reshape([2, 3, 2]))).toMatchInlineSnapshot(`
    "tensor([[[ 0,  1],
             [ 2,  3],
             [ 4,  5]],

            [[ 6,  7],
             [ 8,  9],
             [10, 11]]], dtype=int32)"
  `);
});

test('shows five digits, and exponents where they are shorter', () => {
  expect(String(tensor([1e-8, 1, 3e38, 12345678]))).toMatchInlineSnapshot(
    `"tensor([ 1.0000e-8,          1, 3.0000e+38,  1.2346e+7])"`,
  );
});

test('tells special values apart', () => {
  const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0];
  expect(String(tensor(special))).toMatchInlineSnapshot(`"tensor([ nan,  inf, -inf,   -0])"`);
});

test('shows the shape of what is empty', () => {
  expect(String(ones([2, 0]))).toMatchInlineSnapshot(`"tensor([], shape=[2, 0])"`);
});

test('leaves out the middle of what is long', () => {
  expect(String(arange(1000))).toMatchInlineSnapshot(`"tensor([  0,   1,   2, …, 997, 998, 999], dtype=int32)"`);
  expect(String(arange(10_000).reshape([100, 100]).to('bfloat16'))).toMatchInlineSnapshot(`
    "tensor([[   0,    1,    2, …,   97,   98,   99],
            [ 100,  101,  102, …,  197,  198,  199],
            [ 200,  201,  202, …,  296,  298,  300],
            …,
            [9728, 9728, 9728, …, 9792, 9792, 9792],
            [9792, 9792, 9792, …, 9920, 9920, 9920],
            [9920, 9920, 9920, …, 9984, 9984, 9984]], dtype=bfloat16)"
  `);
});

test('is what console.log shows in Node', () => {
  const x = tensor([1, 2]);
  expect(inspect(x)).toBe(x.toString());
  expect(inspect({ x })).toContain('tensor([1, 2])');
});
