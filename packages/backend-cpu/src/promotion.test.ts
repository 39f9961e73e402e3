import {
  abs,
  add,
  amax,
  concat,
  type DType,
  div,
  equal,
  exp,
  isDType,
  isFloat,
  less,
  linear,
  log,
  matmul,
  maximum,
  mean,
  mul,
  neg,
  ones,
  pow,
  promoteTypes,
  reciprocal,
  resultType,
  sigmoid,
  sin,
  softmax,
  sqrt,
  stack,
  std,
  sub,
  sum,
  type Tensor,
  TensorError,
  tanh,
  variance,
  where,
} from '@halfgrad/core';
import { describeShared, readJson } from '@halfgrad/testing';
import { expect, test } from 'vitest';
import { cpu } from './index.ts';

/** Result dtypes under PyTorch's names, or `error:…`. */
type Row = Readonly<Record<string, string>>;
type Table = Readonly<Record<string, Row>>;

interface GoldenPromotion {
  readonly tensor_tensor: Table;
  readonly tensor_zerodim: Table;
  readonly zerodim_zerodim: Table;
  readonly tensor_scalar: Table;
  readonly zerodim_scalar: Table;
  readonly binary_ops: Readonly<Record<string, Table>>;
  readonly matmul_like: Readonly<Record<string, Table>>;
  readonly scalar_ops: Readonly<Record<string, Table>>;
  readonly unary_ops: Table;
  readonly torch_2_13_differences: readonly { readonly path: string; readonly torch_2_13: string }[];
}

type Binary = (a: Tensor, b: Tensor) => Tensor;

const binaryOps: Readonly<Record<string, Binary>> = {
  add,
  sub,
  mul,
  div,
  true_divide: div,
  pow,
  maximum,
  eq: equal,
  lt: less,
  where: (a, b) => where(equal(a, a), a, b),
};

const matmulLike: Readonly<Record<string, Binary>> = {
  mm: (a, b) => matmul(a, b),
  matmul: (a, b) => matmul(a, b),
  linear: (a, b) => linear(a, b),
  cat: (a, b) => concat([a, b], 0),
  stack: (a, b) => stack([a, b], 0),
};

const scalarOps: Readonly<Record<string, (a: Tensor, b: number) => Tensor>> = { add, mul, div, pow };

const unaryOps: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  neg,
  abs,
  exp,
  log,
  sqrt,
  sin,
  sigmoid,
  tanh,
  reciprocal,
  sum: (x) => sum(x),
  mean: (x) => mean(x),
  max: (x) => amax(x),
  std: (x) => std(x),
  var: (x) => variance(x),
  softmax: (x) => softmax(x, 0),
};

/** Plain numbers by their kind in PyTorch. JavaScript's are integers if their value is one. */
const numbers: Readonly<Record<string, number>> = { int: 2, float: 2.5 };

const sample = (dtype: DType, shape: readonly number[] = [2, 2]): Tensor => ones(shape, { dtype, device: cpu });

/** The dtype of a result, or `error` if the op refuses. */
function outcome(compute: () => Tensor): string {
  try {
    return compute().dtype;
  } catch (error) {
    if (error instanceof TensorError) return 'error';
    throw error;
  }
}

/** Where PyTorch answers with int64, which we do not have, we answer with int32. */
function translated(answer: string): string {
  if (answer.startsWith('error')) return 'error';
  return answer === 'int64' ? 'int32' : answer;
}

describeShared("promotion is PyTorch's", ['golden/promotion.json'], () => {
  const golden = readJson<GoldenPromotion>('golden/promotion.json');
  const corrections = new Map(golden.torch_2_13_differences.map((row) => [row.path, row.torch_2_13]));

  /** Compares what `answer` says with every cell of a table; undefined where we have no such row or column. */
  function expectTable(path: string, table: Table, answer: (row: string, column: string) => string | undefined): void {
    const actual: Record<string, string> = {};
    const expected: Record<string, string> = {};
    for (const [row, columns] of Object.entries(table)) {
      for (const [column, recorded] of Object.entries(columns)) {
        const found = answer(row, column);
        if (found === undefined) continue;
        actual[`${row}, ${column}`] = found;
        expected[`${row}, ${column}`] = translated(corrections.get(`${path}/${row}/${column}`) ?? recorded);
      }
    }
    expect(Object.keys(actual)).not.toHaveLength(0);
    expect(actual).toEqual(expected);
  }

  /** An answer for two of our dtypes. */
  const ofDTypes =
    (answer: (a: DType, b: DType) => string) =>
    (a: string, b: string): string | undefined =>
      isDType(a) && isDType(b) ? answer(a, b) : undefined;

  /** An answer for one of our dtypes and a plain number. */
  const ofNumber =
    (answer: (a: DType, b: number) => string) =>
    (a: string, kind: string): string | undefined =>
      isDType(a) && numbers[kind] !== undefined ? answer(a, numbers[kind]) : undefined;

  test('between dtypes', () => {
    expectTable('/tensor_tensor', golden.tensor_tensor, ofDTypes(promoteTypes));
  });

  test('between tensors, with and without dimensions', () => {
    const result = (a: readonly number[], b: readonly number[]) =>
      ofDTypes((left, right) => resultType({ shape: a, dtype: left }, { shape: b, dtype: right }));
    expectTable('/tensor_tensor', golden.tensor_tensor, result([2], [2]));
    expectTable('/tensor_zerodim', golden.tensor_zerodim, result([2], []));
    expectTable('/zerodim_zerodim', golden.zerodim_zerodim, result([], []));
  });

  test('between tensors and plain numbers', () => {
    const result = (shape: readonly number[]) =>
      ofNumber((dtype, value) => {
        const x = sample(dtype, shape);
        return resultType(x, x.number(value));
      });
    expectTable('/tensor_scalar', golden.tensor_scalar, result([2]));
    expectTable('/zerodim_scalar', golden.zerodim_scalar, result([]));
  });

  test.each(Object.entries(binaryOps))('in %s', (name, op) => {
    expectTable(
      `/binary_ops/${name}`,
      golden.binary_ops[name] ?? {},
      ofDTypes((a, b) => outcome(() => op(sample(a), sample(b)))),
    );
  });

  test.each(Object.entries(scalarOps))('in %s of a tensor and a number', (name, op) => {
    expectTable(
      `/scalar_ops/${name}`,
      golden.scalar_ops[name] ?? {},
      ofNumber((dtype, value) => outcome(() => op(sample(dtype), value))),
    );
  });

  test.each(Object.entries(matmulLike))('in %s', (name, op) => {
    expectTable(`/matmul_like/${name}`, golden.matmul_like[name] ?? {}, (a, b) => {
      // PyTorch has a linear layer of integers; ours is for floats.
      if (name === 'linear' && !(isDType(a) && isFloat(a))) return undefined;
      return isDType(a) && isDType(b) ? outcome(() => op(sample(a), sample(b))) : undefined;
    });
  });

  test('in ops of one tensor', () => {
    expectTable('/unary_ops', golden.unary_ops, (name, dtype) => {
      const op = unaryOps[name];
      return op && isDType(dtype) ? outcome(() => op(sample(dtype))) : undefined;
    });
  });
});
