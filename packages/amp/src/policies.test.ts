import { cpu } from '@halfgrad/backend-cpu';
import { gelu, matmul, type OpName, setDefaultDevice, softmax, type Tensor, zeros } from '@halfgrad/core';
import { describeShared, readJson } from '@halfgrad/testing';
import { describe, expect, test } from 'vitest';
import { autocast } from './autocast.ts';
import { cpuPolicy, definePolicy } from './policies.ts';
import { acceleratorPolicy } from './policy.ts';

setDefaultDevice(cpu);

const half = (): Tensor => zeros([2, 2], { dtype: 'float16' });

describe('a policy is a value (AMP.md A12)', () => {
  test('made from another one by naming what differs', () => {
    const careful = definePolicy(acceleratorPolicy, { gelu: 'float32', matmul: 'unchanged' });
    const dtypes = autocast({ policy: careful }, () => [
      gelu(half()).dtype,
      matmul(zeros([2, 2]), zeros([2, 2])).dtype,
    ]);
    expect(dtypes).toEqual(['float32', 'float32']);
    expect(acceleratorPolicy.gelu).toBe('unchanged');
  });

  test('and overrides are exceptions of one region, whatever its policy', () => {
    const options = { policy: cpuPolicy, overrides: { softmax: 'float32' } } as const;
    expect(autocast(options, () => softmax(half(), 1).dtype)).toBe('float32');
    expect(autocast({ policy: cpuPolicy }, () => softmax(half(), 1).dtype)).toBe('float16');
  });

  test('refuses ops and rules that do not exist, and says which do', () => {
    const refused = (overrides: object) => () => definePolicy(acceleratorPolicy, overrides);
    expect(refused({ gleu: 'float32' })).toThrow(/no op "gleu"/);
    expect(refused({ gelu: 'fp32' })).toThrow(/"fp32" for gelu is no rule. Use one of lowerPrecision, float32,/);
    expect(refused({ toString: 'float32' })).toThrow(/no op "toString"/);
  });
});

const file = 'golden/autocast_policy_lists.json';

interface Lists {
  readonly cuda: Readonly<Record<string, readonly string[]>>;
}

/** PyTorch's names for the ops whose rows the lists decide, where the names differ by more than snake case. */
const torchNames: Partial<Record<OpName, string>> = {
  convolutionInputGrad: 'conv_transpose2d.input',
  softmax: 'softmax.int',
  logSoftmax: 'log_softmax.int',
  pow: 'pow.Tensor_Tensor',
};

describeShared('the accelerator policy', [file], () => {
  const { cuda } = readJson<Lists>(file);
  const policyOf = (name: string): string | undefined => Object.keys(cuda).find((list) => cuda[list]?.includes(name));
  const snake = (op: string): string => op.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const listed: Readonly<Record<string, string>> = {
    lower_precision_fp: 'lowerPrecision',
    fp32: 'float32',
    fp32_set_opt_dtype: 'float32Result',
    promote: 'promote',
    banned: 'banned',
  };

  const rows = Object.entries(acceleratorPolicy).flatMap(([op, rule]) => {
    const list = policyOf(torchNames[op as OpName] ?? snake(op));
    return list ? [[op, rule, listed[list]] as const] : [];
  });

  test('has rows that PyTorch lists', () => expect(rows.length).toBeGreaterThan(20));
  test.each(rows)('lists %s as PyTorch does (A2, T-OP-01, T-OP-03, T-OP-04)', (_op, rule, expected) => {
    expect(rule).toBe(expected);
  });
});
