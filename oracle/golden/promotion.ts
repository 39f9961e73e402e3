import {
  abs,
  add,
  all,
  amax,
  any,
  argmax,
  atan2,
  bmm,
  concat,
  cumsum,
  type Device,
  type DType,
  div,
  equal,
  exp,
  floor,
  isDType,
  isFloat,
  less,
  linear,
  log,
  logicalAnd,
  matmul,
  maximum,
  mean,
  mul,
  neg,
  norm,
  ones,
  pow,
  prod,
  reciprocal,
  remainder,
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
  unsqueeze,
  variance,
  where,
} from '@halfgrad/core';
import { readJson } from '@halfgrad/testing';
import { expectEqual } from '../compare.ts';
import { type Case, Missing, type Suite } from '../suite.ts';

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
  readonly inplace_ops: Readonly<Record<string, Table>>;
  readonly float8: Table;
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
  atan2,
  remainder,
  logical_and: logicalAnd,
};

const matmulLike: Readonly<Record<string, Binary>> = {
  mm: (a, b) => matmul(a, b),
  matmul: (a, b) => matmul(a, b),
  linear(a, b) {
    if (!isFloat(a.dtype) && !isFloat(b.dtype)) throw new Missing('linear layers of integers');
    return linear(a, b);
  },
  bmm: (a, b) => bmm(unsqueeze(a, 0), unsqueeze(b, 0)),
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
  floor,
  prod: (x) => prod(x),
  cumsum: (x) => cumsum(x, 0),
  any: truth(any),
  all: truth(all),
  argmax(x) {
    if (x.dtype === 'bool') throw new Missing('argmax refusing bools');
    return argmax(x);
  },
  norm: (x) => norm(x),
};

function truth(test: (x: Tensor) => Tensor): (x: Tensor) => Tensor {
  return (x) => {
    if (x.dtype === 'uint8') throw new Missing('truth values that are uint8');
    return test(x);
  };
}

/** Plain numbers by their kind in PyTorch. JavaScript's are integers if their value is one. */
const numbers: Readonly<Record<string, number>> = { int: 2, float: 2.5 };

const file = 'golden/promotion.json';

export const promotion: Suite = {
  name: 'promotion',
  source: "PyTorch's result dtypes",
  tolerance: 'exact; int64 is read as int32',
  files: [file],
  cases() {
    const golden = readJson<GoldenPromotion>(file);
    const corrections = new Map(golden.torch_2_13_differences.map((row) => [row.path, row.torch_2_13]));
    /** A case for every cell of a table. */
    const cells = (path: string, table: Table, answer: Answer): Case[] =>
      Object.entries(table).flatMap(([row, columns]) =>
        Object.entries(columns).map(([column, recorded]) => {
          const name = `${path}/${row}/${column}`;
          const expected = corrections.get(name) ?? recorded;
          const run = (device: Device): never[] => {
            expectEqual('dtype', answer(row, column, device), translated(expected));
            return [];
          };
          return { name, run };
        }),
      );
    const tables = (path: string, group: Readonly<Record<string, Table>>, answer: (name: string) => Answer): Case[] =>
      Object.entries(group).flatMap(([name, table]) => cells(`${path}/${name}`, table, answer(name)));

    return [
      ...cells('/tensor_tensor', golden.tensor_tensor, ofShapes([2], [2])),
      ...cells('/tensor_zerodim', golden.tensor_zerodim, ofShapes([2], [])),
      ...cells('/zerodim_zerodim', golden.zerodim_zerodim, ofShapes([], [])),
      ...cells('/tensor_scalar', golden.tensor_scalar, ofNumber([2])),
      ...cells('/zerodim_scalar', golden.zerodim_scalar, ofNumber([])),
      ...tables('/binary_ops', golden.binary_ops, (name) => ofBinary(name, binaryOps[name])),
      ...tables('/matmul_like', golden.matmul_like, (name) => ofBinary(name, matmulLike[name])),
      ...tables('/scalar_ops', golden.scalar_ops, ofScalarOp),
      ...cells('/unary_ops', golden.unary_ops, ofUnary),
      ...cells('/float8', golden.float8, ofFloat8),
      ...Object.keys(golden.inplace_ops).map((name) => ({ name: `/inplace_ops/${name}`, run: refuseInPlace })),
      { name: '/can_cast', run: refuseInPlace },
    ];
  },
};

/** The result dtype that the library gives for a row and a column of a table, or `error`. */
type Answer = (row: string, column: string, device: Device) => string;

const ofShapes =
  (a: readonly number[], b: readonly number[]): Answer =>
  (row, column) => {
    requireDistinct(row, column);
    return resultType({ shape: a, dtype: dtypeOf(row) }, { shape: b, dtype: dtypeOf(column) });
  };

const ofNumber =
  (shape: readonly number[]): Answer =>
  (row, kind, device) => {
    const x = sample(row, device, shape);
    return resultType(x, x.number(numberOf(kind)));
  };

const ofBinary =
  (name: string, op: Binary | undefined): Answer =>
  (row, column, device) => {
    if (!op) throw new Missing(`promotion of ${name}`);
    requireDistinct(row, column);
    const [a, b] = [sample(row, device), sample(column, device)];
    return outcome(() => op(a, b));
  };

const ofScalarOp =
  (name: string): Answer =>
  (row, kind, device) => {
    const op = scalarOps[name];
    if (!op) throw new Missing(`promotion of ${name}`);
    const x = sample(row, device);
    const value = numberOf(kind);
    return outcome(() => op(x, value));
  };

const ofUnary: Answer = (name, dtype, device) => {
  const op = unaryOps[name];
  if (!op) throw new Missing(`promotion of ${name}`);
  const x = sample(dtype, device);
  return outcome(() => op(x));
};

/** `can_cast` is the rule of what may be written in place. */
function refuseInPlace(): never {
  throw new Missing('arithmetic in place');
}

/** Two dtypes, or the sum of two tensors of one. */
const ofFloat8: Answer = (row, column, device) => {
  const x = sample(row, device);
  if (column === 'add_same') return outcome(() => add(x, x));
  const y = sample(column, device);
  return outcome(() => ({ dtype: resultType(x, y) }));
};

/** int64, which the library does not have, is read as int32. */
function dtypeOf(name: string): DType {
  const ours = name === 'int64' ? 'int32' : name;
  if (!isDType(ours)) throw new Missing(`dtype ${name}`);
  return ours;
}

/** What is read as one dtype cannot be told apart. */
function requireDistinct(a: string, b: string): void {
  if (a !== b && dtypeOf(a) === dtypeOf(b)) throw new Missing('int64 apart from int32');
}

function numberOf(kind: string): number {
  const value = numbers[kind];
  if (value === undefined) throw new Missing(`a plain ${kind} as operand`);
  return value;
}

function sample(dtype: string, device: Device, shape: readonly number[] = [2, 2]): Tensor {
  return ones(shape, { dtype: dtypeOf(dtype), device });
}

/** The dtype of a result, or `error` if the op refuses. */
function outcome(compute: () => { readonly dtype: DType }): string {
  try {
    return compute().dtype;
  } catch (error) {
    if (error instanceof TensorError) return 'error';
    throw error;
  }
}

function translated(answer: string): string {
  if (answer.startsWith('error')) return 'error';
  return answer === 'int64' ? 'int32' : answer;
}
