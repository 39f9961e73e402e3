import { cpu, type HostTensor } from '@halfgrad/backend-cpu';
import { type AnyKernel, decorate, isHalf, leaves, type OpName } from '@halfgrad/core';
import { expect, test } from 'vitest';
import { checks, judge } from './conformance/checks.ts';

type Tamper = (inputs: readonly HostTensor[], results: readonly HostTensor[]) => void;

const aLittleOff: Tamper = (_, results) => change(results, (x) => x * 1.001);

const faults: readonly { fault: string; kernel: OpName; op?: OpName; tamper: Tamper; notices: string }[] = [
  { fault: 'a wrong backward pass', kernel: 'geluGrad', tamper: aLittleOff, notices: 'agrees with its decomposition' },
  { fault: 'a wrong gradient', kernel: 'reluGrad', op: 'relu', tamper: aLittleOff, notices: 'has the gradient' },
  {
    fault: 'a wrong second derivative',
    kernel: 'cos',
    op: 'sin',
    tamper: aLittleOff,
    notices: 'has the second derivative',
  },
  { fault: 'an inaccurate function', kernel: 'exp', tamper: aLittleOff, notices: 'agrees with the reference' },
  {
    fault: 'a kernel that works in place',
    kernel: 'neg',
    tamper: (inputs) => change(inputs, (x) => -x),
    notices: 'leaves its inputs',
  },
  {
    fault: 'a 16-bit result that was not rounded to nearest',
    kernel: 'mul',
    tamper: (_, results) => change(results, (bits) => bits ^ 1, isHalf16),
    notices: 'computes 16-bit inputs',
  },
  {
    fault: 'a NaN that was lost',
    kernel: 'maximum',
    tamper: (_, results) => change(results, (x) => (Number.isNaN(x) ? 0 : x)),
    notices: 'on infinities, NaN',
  },
];

test.each(faults)('$notices … notices $fault', async ({ kernel, op = kernel, tamper, notices }) => {
  const wrap = (run: AnyKernel<HostTensor>): AnyKernel<HostTensor> => {
    return (inputs, attrs, out) => {
      const results = run(inputs, attrs, out);
      tamper(leaves(inputs), leaves(results));
      return results;
    };
  };
  const device = decorate(cpu, 'faulty', (run, name) => (name === kernel ? wrap(run) : run));
  const check = checks.find(({ title }) => title.includes(notices));
  if (!check) throw new Error(`no check "${notices}"`);
  const subject = { op, reference: cpu, lacks: [], subnormals: 'kept' } as const;
  await judge(check, { ...subject, device: cpu }, 1);
  await expect(judge(check, { ...subject, device }, 1)).rejects.toThrow('Property failed');
});

const isHalf16 = ({ dtype }: HostTensor): boolean => isHalf(dtype);

function change(tensors: readonly HostTensor[], f: (stored: number) => number, which = (_: HostTensor) => true): void {
  for (const { block } of tensors.filter(which)) {
    for (const [i, x] of block.data.entries()) block.data[i] = f(x);
  }
}
